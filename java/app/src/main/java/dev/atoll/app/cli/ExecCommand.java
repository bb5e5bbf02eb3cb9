package dev.atoll.app.cli;

import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "exec", mixinStandardHelpOptions = true, description = "Runs a command in a sandbox; the exit code is the command's.")
final class ExecCommand implements Callable<Integer> {
    @Mixin
    private final ServerOptions server = new ServerOptions();

    @Mixin
    private final ExecOptions exec = new ExecOptions();

    @Option(names = {"-e", "--env"}, paramLabel = "NAME=VALUE", description = "A variable; may be given several times.")
    private Map<String, String> env = Map.of();

    @Option(names = {"-u", "--user"}, paramLabel = "USER", description = "As this user (default: the sandbox's).")
    private @Nullable String user;

    @Parameters(index = "0", paramLabel = "SANDBOX", description = "Name or id.")
    private String sandbox = "";

    @Parameters(index = "1..*", paramLabel = "COMMAND", arity = "1..*", description = "The command and its arguments, after --.")
    private List<String> command = List.of();

    @Override
    public Integer call() {
        return exec.run(server.client(), sandbox, exec.request(command, env, user));
    }
}
