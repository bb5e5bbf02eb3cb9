package dev.atoll.app.cli;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.Query;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "rm", mixinStandardHelpOptions = true, description = "Deletes sandboxes with their files.")
final class RmCommand implements Callable<Integer> {
    @Mixin
    private final ServerOptions server = new ServerOptions();

    @Option(names = "--snapshot", description = "The names are those of snapshots.")
    private boolean snapshot;

    @Parameters(paramLabel = "SANDBOX", arity = "1..*", description = "Names or ids.")
    private List<String> sandboxes = List.of();

    @Override
    public Integer call() {
        ApiClient client = server.client();
        return Each.of(sandboxes, name -> client.delete(Query.of(snapshot ? "snapshots" : "sandboxes", name)));
    }
}
