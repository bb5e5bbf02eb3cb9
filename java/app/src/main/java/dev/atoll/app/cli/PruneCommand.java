package dev.atoll.app.cli;

import dev.atoll.app.client.Query;
import dev.atoll.app.config.DataSize;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

@Command(name = "prune", mixinStandardHelpOptions = true, description = "Deletes expired snapshots, leftovers and layers that nothing uses.")
final class PruneCommand implements Callable<Integer> {
    @Mixin
    private final ServerOptions server = new ServerOptions();

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() {
        JsonNode pruned = server.client().post(Query.of("node", "prune"), null);
        if (json) {
            Table.json(System.out, pruned);
        } else {
            System.out.println(new DataSize(pruned.path("freedBytes").asLong()).rounded() + " freed");
        }
        return 0;
    }
}
