package dev.atoll.app.cli;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.ApiException;
import dev.atoll.app.client.Query;
import dev.atoll.app.client.UnreachableException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "run", mixinStandardHelpOptions = true, description = "Runs a command in a new sandbox and deletes it afterwards; the exit code is the command's.")
final class RunCommand implements Callable<Integer> {
    @Mixin
    private final ServerOptions server = new ServerOptions();

    @Mixin
    private final CreateOptions create = new CreateOptions();

    @Mixin
    private final ExecOptions exec = new ExecOptions();

    @Option(names = "--keep", description = "Leave the sandbox afterwards; its id is printed on standard error.")
    private boolean keep;

    @Parameters(paramLabel = "COMMAND", arity = "1..*", description = "The command and its arguments, after --.")
    private List<String> command = List.of();

    @Override
    public Integer call() {
        Map<String, Object> request = exec.request(command, Map.of(), null);
        ApiClient client = server.client();
        String id = client.post(Query.of("sandboxes"), create.request()).path("id").asString();
        var removal = new Thread(() -> remove(client, id), "remove");
        if (!keep) {
            Runtime.getRuntime().addShutdownHook(removal);
        }
        int code = exec.run(client, id, request);
        if (keep) {
            System.err.println("atoll: sandbox " + id + " is left");
        } else {
            Runtime.getRuntime().removeShutdownHook(removal);
            remove(client, id);
        }
        return code;
    }

    private static void remove(ApiClient client, String id) {
        try {
            client.delete(Query.of("sandboxes", id));
        } catch (ApiException | UnreachableException e) {
            System.err.println("atoll: sandbox " + id + " was not deleted: " + e.getMessage());
        }
    }
}
