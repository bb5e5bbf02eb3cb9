package dev.atoll.app.cli;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.Query;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

@Command(name = "logs", mixinStandardHelpOptions = true, description = "Prints the output of a process of a sandbox, or lists its processes.")
final class LogsCommand implements Callable<Integer> {
    @Mixin
    private final ServerOptions server = new ServerOptions();

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Option(names = {"-f", "--follow"}, description = "Go on until the process ends.")
    private boolean follow;

    @Parameters(index = "0", paramLabel = "SANDBOX", description = "Name or id.")
    private String sandbox = "";

    @Parameters(index = "1", arity = "0..1", paramLabel = "PROCESS", description = "Id of the process.")
    private @Nullable String process;

    @Override
    public Integer call() {
        ApiClient client = server.client();
        if (process == null) {
            print(client.get(Query.of("sandboxes", sandbox, "processes").with("includeEnded", "true")).path("processes"));
            return 0;
        }
        Query query = Query.of("sandboxes", sandbox, "processes", process, "output").with("follow", Boolean.toString(follow));
        new ProcessFollower(client, System.out, System.err).follow(client.download(query));
        return 0;
    }

    private void print(JsonNode processes) {
        if (json) {
            Table.json(System.out, processes);
            return;
        }
        var table = new Table("PROCESS", "PID", "STATE", "STARTED", "COMMAND");
        for (JsonNode one : processes) {
            JsonNode exit = one.path("exit");
            table.row(
                    one.path("id").asString(),
                    one.path("pid").asString(),
                    exit.isObject() ? "exit " + exit.path("exitCode").asString() : "running",
                    one.path("startedAt").asString(""),
                    String.join(" ", one.path("argv").valueStream().map(JsonNode::asString).toList()));
        }
        table.print(System.out);
    }
}
