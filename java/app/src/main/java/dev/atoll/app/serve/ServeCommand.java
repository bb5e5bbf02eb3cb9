package dev.atoll.app.serve;

import dev.atoll.app.config.Config;
import dev.atoll.app.config.ConfigFile;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import sun.misc.Signal;

/** The engine's process. Started by the supervisor as an unprivileged user; SIGTERM ends it. */
@Command(name = "serve", hidden = true, description = "The engine's process.")
public final class ServeCommand implements Callable<Integer> {
    private static final Logger LOG = LoggerFactory.getLogger(ServeCommand.class);

    @Option(names = "--config", required = true, paramLabel = "FILE")
    private Path file = Path.of("");

    @Override
    public Integer call() throws InterruptedException {
        Config config = ConfigFile.load(Optional.of(file), List.of());
        Logging.configure(config.log());
        var ending = new CountDownLatch(1);
        var ended = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            ending.countDown();
            awaitQuietly(ended);
        }, "stop"));
        try (Node node = Node.start(config, Version.current())) {
            Signal.handle(new Signal("HUP"), _ -> reload(node));
            System.out.println(node.ready().line());
            ending.await();
        } catch (RuntimeException e) {
            LOG.error("Atoll cannot serve", e);
            return 1;
        } finally {
            ended.countDown();
        }
        return 0;
    }

    private static void reload(Node node) {
        try {
            node.reload();
        } catch (RuntimeException e) {
            LOG.error("nothing is reloaded: {}", e.getMessage());
        }
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
