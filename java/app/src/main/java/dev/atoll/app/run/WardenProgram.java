package dev.atoll.app.run;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** The privileged program. */
final class WardenProgram extends Program {
    /** A pool of many terabytes is checked before it serves. */
    private static final Duration SERVES_WITHIN = Duration.ofMinutes(2);
    private static final long LOOK_EVERY_MILLIS = 10;

    private final Dist dist;
    private final Layout layout;

    WardenProgram(Dist dist, Layout layout) {
        super("warden", layout.wardenPid(), layout.wardenLog());
        this.dist = dist;
        this.layout = layout;
    }

    @Override
    Optional<ProcessHandle> running() {
        return alive().filter(process -> answers());
    }

    @Override
    ProcessHandle start() {
        Process process = launch(
                List.of("setsid", dist.warden().toString(), "--config", layout.wardenConfig().toString()), toLog());
        long deadline = System.nanoTime() + SERVES_WITHIN.toNanos();
        try {
            while (!answers()) {
                // Its socket tells nobody when it is bound, so this looks; its end is waited for.
                if (process.waitFor(LOOK_EVERY_MILLIS, TimeUnit.MILLISECONDS)) {
                    throw failed("ended with status " + process.exitValue());
                }
                if (System.nanoTime() > deadline) {
                    process.destroyForcibly();
                    throw failed("did not serve within " + SERVES_WITHIN.toSeconds() + " s");
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw failed("start was interrupted");
        }
        return process.toHandle();
    }

    @Override
    Duration grace() {
        return Duration.ofSeconds(15);
    }

    private boolean answers() {
        return answers(layout.wardenSocket());
    }

    private static boolean answers(Path socket) {
        try (var channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            return channel.isConnected();
        } catch (IOException nobody) {
            return false;
        }
    }
}
