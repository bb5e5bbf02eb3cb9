package dev.atoll.app.cli;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.Server;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which server a command talks to. */
final class ServerOptions {
    @Option(names = "--instance", paramLabel = "NAME", description = "Instance of this machine (or ATOLL_INSTANCE); ATOLL_URL and ATOLL_API_KEY win.")
    private @Nullable String instance;

    ApiClient client() {
        return new ApiClient(Server.find(InstanceName.orDefault(instance)));
    }
}
