package dev.atoll.app.cli;

import dev.atoll.app.client.Server;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "env",
        mixinStandardHelpOptions = true,
        description = "Prints shell exports for clients of the running instance: eval \"$(atoll env)\".")
final class EnvCommand implements Callable<Integer> {
    @Option(names = "--instance", paramLabel = "NAME", description = "Which instance (or ATOLL_INSTANCE).")
    private @Nullable String instance;

    @Override
    public Integer call() {
        Server.Local local = Server.local(InstanceName.orDefault(instance));
        System.out.println("export DAYTONA_API_URL=" + local.endpoint().daytonaUrl() + "/api");
        System.out.println("export DAYTONA_API_KEY=" + local.key());
        System.out.println("export MODAL_SERVER_URL=" + local.endpoint().modalUrl());
        // Clients want one and this server does not look at it.
        System.out.println("export MODAL_TOKEN_ID=ak-" + local.endpoint().instance());
        System.out.println("export MODAL_TOKEN_SECRET=" + local.key());
        System.out.println("export ATOLL_URL=" + local.endpoint().nativeUrl());
        System.out.println("export ATOLL_API_KEY=" + local.key());
        return 0;
    }
}
