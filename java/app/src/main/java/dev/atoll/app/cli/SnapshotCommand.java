package dev.atoll.app.cli;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.Query;
import dev.atoll.app.config.DataSize;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

@Command(name = "snapshot", mixinStandardHelpOptions = true, description = "Takes a snapshot of a sandbox's disk, with its memory on request; lists (--list) or deletes (--delete) snapshots.")
final class SnapshotCommand implements Callable<Integer> {
    @Mixin
    private final ServerOptions server = new ServerOptions();

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Option(names = "--list", description = "List snapshots.")
    private boolean list;

    @Option(names = "--delete", paramLabel = "SNAPSHOT", description = "Delete this snapshot, a name or id; sandboxes made from it stay.")
    private @Nullable String deleted;

    @Option(names = "--memory", description = "With the memory as it is now: sandboxes made from it go on (class gvisor).")
    private boolean memory;

    @Option(names = "--quiesce", description = "With --memory: no process runs while memory is saved, nor in a new sandbox before it knows who it is.")
    private boolean quiesce;

    @Option(names = "--name", paramLabel = "NAME", description = "Name of the snapshot (default: its id).")
    private @Nullable String name;

    @Parameters(arity = "0..1", paramLabel = "SANDBOX", description = "Name or id.")
    private @Nullable String sandbox;

    @Override
    public Integer call() {
        ApiClient client = server.client();
        if (deleted != null) {
            client.delete(Query.of("snapshots", deleted));
            return 0;
        }
        if (list || sandbox == null) {
            print(client.get(Query.of("snapshots")).path("snapshots"));
            return 0;
        }
        JsonNode made = client.post(Query.of("sandboxes", sandbox, "snapshots"), request());
        if (json) {
            Table.json(System.out, made);
        } else {
            System.out.println(made.path("id").asString());
        }
        return 0;
    }

    private Map<String, Object> request() {
        var request = new LinkedHashMap<String, Object>();
        if (name != null) {
            request.put("name", name);
        }
        if (memory) {
            request.put("memory", true);
        }
        if (quiesce) {
            request.put("quiesce", true);
        }
        return request;
    }

    private void print(JsonNode snapshots) {
        if (json) {
            Table.json(System.out, snapshots);
            return;
        }
        var table = new Table("ID", "NAME", "SANDBOX", "DISK", "MEMORY", "CREATED");
        for (JsonNode snapshot : snapshots) {
            table.row(
                    snapshot.path("id").asString(),
                    snapshot.path("name").asString(""),
                    snapshot.path("sandbox").asString(""),
                    new DataSize(snapshot.path("usedBytes").asLong()).rounded(),
                    snapshot.has("memoryBytes") ? new DataSize(snapshot.path("memoryBytes").asLong()).rounded() : "",
                    snapshot.path("createdAt").asString(""));
        }
        table.print(System.out);
    }
}
