package dev.atoll.app.cli;

import dev.atoll.app.client.Query;
import dev.atoll.app.config.DataSize;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

@Command(name = "df", mixinStandardHelpOptions = true, description = "Shows what the pool holds.")
final class DfCommand implements Callable<Integer> {
    @Mixin
    private final ServerOptions server = new ServerOptions();

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() {
        JsonNode pool = server.client().get(Query.of("node", "pool"));
        if (json) {
            Table.json(System.out, pool);
            return 0;
        }
        var table = new Table("POOL", "SIZE", "FREE", "DISKS", "SNAPSHOTS", "TEMPLATES", "REFUSES BELOW");
        table.row(
                pool.path("kind").asString(),
                size(pool, "totalBytes"),
                size(pool, "freeBytes"),
                size(pool, "disksBytes"),
                size(pool, "snapshotsBytes"),
                size(pool, "layersBytes"),
                size(pool, "admissionMarkBytes"));
        table.print(System.out);
        if (pool.path("refusing").asBoolean()) {
            System.out.println("The pool is too full: creates, forks, snapshots and uploads are refused.");
        }
        return 0;
    }

    private static String size(JsonNode pool, String field) {
        return new DataSize(pool.path(field).asLong()).rounded();
    }
}
