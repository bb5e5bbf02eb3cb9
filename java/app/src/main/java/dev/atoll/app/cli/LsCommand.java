package dev.atoll.app.cli;

import dev.atoll.app.config.DataSize;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

@Command(name = "ls", mixinStandardHelpOptions = true, description = "Lists sandboxes.")
final class LsCommand implements Callable<Integer> {
    @Mixin
    private final ServerOptions server = new ServerOptions();

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Option(names = "--label", paramLabel = "KEY=VALUE", description = "Only those with this label; may be given several times.")
    private Map<String, String> labels = Map.of();

    @Option(names = "--state", paramLabel = "STATE", description = "Only those in this state; may be given several times.")
    private List<String> states = List.of();

    @Option(names = {"-q", "--quiet"}, description = "Print ids only.")
    private boolean quiet;

    @Override
    public Integer call() {
        List<JsonNode> all = server.client().sandboxes(states, labels);
        if (json) {
            Table.json(System.out, all);
        } else if (quiet) {
            all.forEach(sandbox -> System.out.println(sandbox.path("id").asString()));
        } else {
            var table = new Table("ID", "NAME", "STATE", "TEMPLATE", "CPU", "MEMORY", "DISK", "CREATED");
            for (JsonNode sandbox : all) {
                JsonNode resources = sandbox.path("resources");
                String id = sandbox.path("id").asString();
                String name = sandbox.path("name").asString();
                table.row(
                        id,
                        name.equals(id) ? "" : name,
                        state(sandbox),
                        sandbox.path("templateName").asString(),
                        Double.toString(resources.path("cpuMillis").asInt() / 1000.0),
                        new DataSize(resources.path("memoryBytes").asLong()).toString(),
                        new DataSize(resources.path("diskBytes").asLong()).toString(),
                        sandbox.path("createdAt").asString().replaceFirst("\\.\\d+", ""));
            }
            table.print(System.out);
        }
        return 0;
    }

    /** With why it stands still, when it does. */
    private static String state(JsonNode sandbox) {
        String state = sandbox.path("state").asString();
        return sandbox.path("held").asString("").equals("poolFull") ? state + " (held: pool full)" : state;
    }
}
