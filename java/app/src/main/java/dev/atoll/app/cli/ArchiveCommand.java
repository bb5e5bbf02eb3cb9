package dev.atoll.app.cli;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.Query;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "archive", mixinStandardHelpOptions = true, description = "Puts the disks of stopped sandboxes, or of snapshots, into the blob store; a start brings them back.")
final class ArchiveCommand implements Callable<Integer> {
    @Mixin
    private final ServerOptions server = new ServerOptions();

    @Option(names = "--snapshot", description = "The names are those of snapshots.")
    private boolean snapshots;

    @Parameters(paramLabel = "SANDBOX", arity = "1..*", description = "Names or ids.")
    private List<String> names = List.of();

    @Override
    public Integer call() {
        ApiClient client = server.client();
        String kind = snapshots ? "snapshots" : "sandboxes";
        return Each.of(names, name -> client.post(Query.of(kind, name, "archive"), null));
    }
}
