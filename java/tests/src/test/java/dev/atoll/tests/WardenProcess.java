package dev.atoll.tests;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/** A warden of the test's own: instance, subnet, ids and directories that no other one has. */
final class WardenProcess {
    private static final Duration START = Duration.ofSeconds(60);

    private final Path config;
    private final Path run;
    private final Path log;
    private final Path program;
    private @Nullable Process process;

    WardenProcess(NodePlace place) {
        this.run = place.run();
        this.config = place.state().resolve("warden.json");
        this.log = place.state().resolve("warden.log");
        this.program = NodePlace.program("atoll-warden");
    }

    /** What it is started with from now on. */
    void configure(NodePlace place, NodeRange range, PoolSize pool, Optional<String> resolver, Path guest) {
        try {
            Files.createDirectories(place.state());
            Files.writeString(config, """
                    {"instance": "%s", "state_dir": "%s", "run_dir": "%s", "engine_uid": 0, "engine_gid": 0,
                     "guest_binary": "%s", "templates_dir": "%s", "default_disk_bytes": %d, "max_slots": %d,
                     "id_base": %d, "network": {"subnet": "%s", "upstream": [%s]}, "gvisor": {"runsc": "%s"},
                     "pool": {"kind": "loop", "size_bytes": %d, "admission_free_bytes": %d, "freeze_free_bytes": %d}}
                    """.formatted(
                            place.instance(), place.state(), place.run(), guest,
                            NodePlace.templates(), AtollNode.DISK_BYTES, NodeRange.MAX_SLOTS, range.idBase(),
                            range.subnet(), resolver.map(address -> '"' + address + '"').orElse(""), NodePlace.runsc(), pool.total(), pool.admission(), pool.freeze()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void useRunsc(Path other) {
        try {
            Files.writeString(config, Files.readString(config)
                    .replaceFirst("\"runsc\": \"[^\"]*\"", "\"runsc\": \"" + other + "\""));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns when it serves. */
    void start() {
        try {
            Files.deleteIfExists(socket());
            Process started = new ProcessBuilder(List.of(program.toString(), "--config", config.toString()))
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                    .start();
            process = started;
            Awaitility.await("the warden's socket, see " + log)
                    .atMost(START)
                    .pollInterval(Duration.ofMillis(20))
                    .until(() -> {
                        if (!started.isAlive()) {
                            throw new IllegalStateException("the warden ended:\n" + Files.readString(log));
                        }
                        return Files.exists(socket());
                    });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As kill -9 does. */
    void kill() {
        end(true);
    }

    /** Ends the warden, then everything of its instance in the kernel. */
    void tearDown() {
        end(false);
        removeFromKernel();
    }

    /** What is on the disk stays. */
    void removeFromKernel() {
        try {
            Process teardown = new ProcessBuilder(
                            List.of(program.toString(), "--config", config.toString(), "--teardown"))
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                    .start();
            if (teardown.waitFor() != 0) {
                throw new IllegalStateException("the teardown failed:\n" + Files.readString(log));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted in a teardown", e);
        }
    }

    Path socket() {
        return run.resolve("warden.sock");
    }

    private void end(boolean forcibly) {
        Process running = process;
        if (running == null) {
            return;
        }
        process = null;
        if (forcibly) {
            running.destroyForcibly();
        } else {
            running.destroy();
        }
        try {
            if (!running.waitFor(20, TimeUnit.SECONDS)) {
                running.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
