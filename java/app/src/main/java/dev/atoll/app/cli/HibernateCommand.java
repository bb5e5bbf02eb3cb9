package dev.atoll.app.cli;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.Query;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "hibernate", mixinStandardHelpOptions = true, description = "Puts memory of sandboxes to the disk until they are resumed.")
final class HibernateCommand implements Callable<Integer> {
    @Mixin
    private final ServerOptions server = new ServerOptions();

    @Option(names = "--quiesce", description = "No process runs while memory is saved, nor before the resumed sandbox knows who it is.")
    private boolean quiesce;

    @Parameters(paramLabel = "SANDBOX", arity = "1..*", description = "Names or ids.")
    private List<String> sandboxes = List.of();

    @Override
    public Integer call() {
        ApiClient client = server.client();
        return Each.of(sandboxes, sandbox -> client.post(Query.of("sandboxes", sandbox, "hibernate"), Map.of("quiesce", quiesce)));
    }
}
