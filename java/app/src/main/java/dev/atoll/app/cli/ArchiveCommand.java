package dev.atoll.app.cli;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.Query;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(name = "archive", mixinStandardHelpOptions = true, description = "Puts the disks of stopped sandboxes into the blob store; a start brings them back.")
final class ArchiveCommand implements Callable<Integer> {
    @Mixin
    private final ServerOptions server = new ServerOptions();

    @Parameters(paramLabel = "SANDBOX", arity = "1..*", description = "Names or ids.")
    private List<String> sandboxes = List.of();

    @Override
    public Integer call() {
        ApiClient client = server.client();
        return Each.of(sandboxes, sandbox -> client.post(Query.of("sandboxes", sandbox, "archive"), null));
    }
}
