package dev.atoll.app.cli;

import dev.atoll.app.client.Query;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

@Command(name = "fork", mixinStandardHelpOptions = true, description = "Makes new sandboxes from a sandbox's disk as it is now; prints their ids.")
final class ForkCommand implements Callable<Integer> {
    @Mixin
    private final ServerOptions server = new ServerOptions();

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Parameters(paramLabel = "SANDBOX", description = "Name or id.")
    private String sandbox = "";

    @Option(names = {"-n", "--count"}, paramLabel = "N", description = "How many, 1 to 100 (default: ${DEFAULT-VALUE}).", defaultValue = "1")
    private int count;

    @Option(names = "--memory", description = "With the memory as it is now: the new sandboxes go on.")
    private boolean memory;

    @Override
    public Integer call() {
        JsonNode forks = server.client().post(Query.of("sandboxes", sandbox, "fork"), Map.of("count", count, "memory", memory)).path("sandboxes");
        if (json) {
            Table.json(System.out, forks);
        } else {
            forks.forEach(fork -> System.out.println(fork.path("id").asString()));
        }
        return 0;
    }
}
