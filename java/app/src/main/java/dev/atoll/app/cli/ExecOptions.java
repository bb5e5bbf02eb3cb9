package dev.atoll.app.cli;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.run.OperatorException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How a process in a sandbox is run. */
final class ExecOptions {
    @Option(names = {"-i", "--interactive"}, description = "Pass standard input on.")
    boolean interactive;

    @Option(names = {"-t", "--tty"}, description = "Give it a terminal.")
    boolean tty;

    @Option(names = "--cwd", paramLabel = "DIR", description = "Directory of the command.")
    private @Nullable String cwd;

    @Option(names = "--timeout", paramLabel = "SECONDS", description = "Kill it after this time; its exit code is then 124 or 137.")
    private @Nullable Double timeout;

    /** The body of an exec. */
    Map<String, Object> request(List<String> command, Map<String, String> env, @Nullable String user) {
        if (interactive && tty && !Terminal.isInput()) {
            // A program that reads keys would wait for ever: the end of a file is not a key.
            throw new OperatorException("-t with -i needs a terminal on standard input; -i alone passes on a file or pipe");
        }
        var request = new LinkedHashMap<String, Object>();
        request.put("argv", command);
        request.put("killOnDetach", true);
        if (!env.isEmpty()) {
            request.put("env", env);
        }
        if (user != null) {
            request.put("user", user);
        }
        if (cwd != null) {
            request.put("cwd", cwd);
        }
        if (timeout != null) {
            request.put("timeoutSeconds", timeout);
        }
        return request;
    }

    /** @return the exit code of the command */
    int run(ApiClient client, String sandbox, Map<String, Object> request) {
        return interactive || tty
                ? new ProcessTerminal(client, sandbox, tty, interactive).run(request)
                : new ProcessFollower(client, System.out, System.err).exec(sandbox, request);
    }
}
