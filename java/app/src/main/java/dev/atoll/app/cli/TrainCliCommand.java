package dev.atoll.app.cli;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.Query;
import dev.atoll.app.client.Server;
import dev.atoll.app.client.UnreachableException;
import dev.atoll.app.config.ConfigFile;
import dev.atoll.app.config.ConfigPrinter;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** Uses what a usual command uses, so that the AOT cache of the command line holds it. */
@Command(name = "train-cli", hidden = true, description = "Run by the build.")
final class TrainCliCommand implements Callable<Integer> {
    @Override
    public Integer call() throws IOException {
        ConfigPrinter.print(ConfigFile.load(Optional.empty(), List.of()));
        int closed;
        try (var listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            closed = listener.getLocalPort();
        }
        try {
            new ApiClient(new Server("http://127.0.0.1:" + closed, "none")).get(Query.of("sandboxes"));
        } catch (UnreachableException expected) {
            return 0;
        }
        return 1;
    }
}
