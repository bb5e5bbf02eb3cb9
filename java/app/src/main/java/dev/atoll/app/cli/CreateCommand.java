package dev.atoll.app.cli;

import dev.atoll.app.client.Query;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

@Command(name = "create", mixinStandardHelpOptions = true, description = "Makes a sandbox and prints its id.")
final class CreateCommand implements Callable<Integer> {
    @Mixin
    private final ServerOptions server = new ServerOptions();

    @Mixin
    private final CreateOptions create = new CreateOptions();

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() {
        JsonNode made = server.client().post(Query.of("sandboxes"), create.request());
        if (json) {
            Table.json(System.out, made);
        } else {
            System.out.println(made.path("id").asString());
        }
        return 0;
    }
}
