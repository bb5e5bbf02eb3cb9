package dev.atoll.app.cli;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.Query;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

@Command(name = "snapshot", mixinStandardHelpOptions = true, description = "Takes a snapshot of a sandbox's disk, or lists snapshots (--list).")
final class SnapshotCommand implements Callable<Integer> {
    @Mixin
    private final ServerOptions server = new ServerOptions();

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Option(names = "--list", description = "List snapshots.")
    private boolean list;

    @Option(names = "--name", paramLabel = "NAME", description = "Name of the snapshot (default: its id).")
    private @Nullable String name;

    @Parameters(arity = "0..1", paramLabel = "SANDBOX", description = "Name or id.")
    private @Nullable String sandbox;

    @Override
    public Integer call() {
        ApiClient client = server.client();
        if (list || sandbox == null) {
            print(client.get(Query.of("snapshots")).path("snapshots"));
            return 0;
        }
        JsonNode made = client.post(Query.of("sandboxes", sandbox, "snapshots"), name == null ? Map.of() : Map.of("name", name));
        if (json) {
            Table.json(System.out, made);
        } else {
            System.out.println(made.path("id").asString());
        }
        return 0;
    }

    private void print(JsonNode snapshots) {
        if (json) {
            Table.json(System.out, snapshots);
            return;
        }
        var table = new Table("ID", "NAME", "SANDBOX", "CREATED");
        for (JsonNode snapshot : snapshots) {
            table.row(
                    snapshot.path("id").asString(),
                    snapshot.path("name").asString(""),
                    snapshot.path("sandbox").asString(""),
                    snapshot.path("createdAt").asString(""));
        }
        table.print(System.out);
    }
}
