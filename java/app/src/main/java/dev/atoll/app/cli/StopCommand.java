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

@Command(name = "stop", mixinStandardHelpOptions = true, description = "Stops sandboxes; files are kept.")
final class StopCommand implements Callable<Integer> {
    @Mixin
    private final ServerOptions server = new ServerOptions();

    @Parameters(paramLabel = "SANDBOX", arity = "1..*", description = "Names or ids.")
    private List<String> sandboxes = List.of();

    @Option(names = "--grace", paramLabel = "SECONDS", description = "Time between SIGTERM and SIGKILL, 0 to 60 (default: ${DEFAULT-VALUE}).", defaultValue = "5")
    private double grace;

    @Override
    public Integer call() {
        ApiClient client = server.client();
        return Each.of(sandboxes, sandbox -> client.post(Query.of("sandboxes", sandbox, "stop"), Map.of("graceSeconds", grace)));
    }
}
