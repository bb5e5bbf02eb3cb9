package dev.atoll.app.bench;

import dev.atoll.app.run.OperatorException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The peer: crun, or another program of its command line, on the same template, timed by a small resident shell, so that the cost of starting
 * a program from a JVM is not counted against it. The shell has a mount namespace of its own without
 * the empty v2 hierarchy of a hybrid machine, which crun refuses. One thread at a time.
 */
final class Crun implements AutoCloseable {
    private static final JsonMapper JSON = new JsonMapper();
    private static final String SCRIPT = """
            set -eu
            cd "$1"
            if mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi
            mount -o loop,ro -t erofs "$2" rootfs
            trap '$4 delete --force "$3-live" 2>/dev/null; cd /; umount "$1/rootfs"' EXIT
            started=
            while read -r what count; do
              if [ "$what" = exec ] && [ -z "$started" ]; then
                (cd live && $4 run --detach "$3-live" </dev/null >/dev/null)
                started=yes
              fi
              before=$EPOCHREALTIME
              case $what in
                run) for ((i = 0; i < count; i++)); do $4 run "$3-$i" </dev/null; done ;;
                exec) $4 exec "$3-live" true </dev/null ;;
              esac
              after=$EPOCHREALTIME
              echo $((${after/./} - ${before/./}))
            done
            """;

    private final Path directory;
    private final Process shell;
    private final Writer ask;
    private final BufferedReader answers;

    private Crun(Path directory, Process shell) {
        this.directory = directory;
        this.shell = shell;
        ask = shell.outputWriter(StandardCharsets.UTF_8);
        answers = new BufferedReader(new InputStreamReader(shell.getInputStream(), StandardCharsets.UTF_8));
    }

    /** @param image EROFS image of the root that containers get */
    static Crun on(Path image) {
        return on(image, List.of("crun"));
    }

    /** The same with gVisor, as it is by default but for the groups and network that it is not given. */
    static Crun runsc(Path image, Path program) {
        return on(image, List.of(
                program.toString(), "--root=/run/atoll-bench-runsc", "--ignore-cgroups", "--network=none", "--overlay2=none"));
    }

    private static Crun on(Path image, List<String> runtime) {
        try {
            Path directory = Files.createTempDirectory("atoll-bench-");
            Files.createDirectories(directory.resolve("rootfs"));
            Files.createDirectories(directory.resolve("live"));
            bundle(directory, directory, List.of("true"));
            bundle(directory, directory.resolve("live"), List.of("sleep", "infinity"));
            Process shell = new ProcessBuilder(
                            "unshare", "--mount", "--propagation", "private", "bash", "-c", SCRIPT, "bench",
                            directory.toString(), image.toString(), "atoll-bench-" + ProcessHandle.current().pid(),
                            String.join(" ", runtime))
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            return new Crun(directory, shell);
        } catch (IOException e) {
            throw new UncheckedIOException("the peer cannot be prepared", e);
        }
    }

    private static void bundle(Path directory, Path bundle, List<String> arguments) throws IOException {
        try {
            Process spec = new ProcessBuilder("crun", "spec")
                    .directory(bundle.toFile())
                    .redirectErrorStream(true)
                    .start();
            String said = new String(spec.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (spec.waitFor() != 0) {
                throw new OperatorException("crun spec failed: " + said.strip());
            }
        } catch (IOException missing) {
            throw new OperatorException("the peer is missing: apt-get install crun");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new OperatorException("interrupted");
        }
        Path file = bundle.resolve("config.json");
        var config = (ObjectNode) JSON.readTree(Files.readString(file));
        var process = (ObjectNode) config.path("process");
        process.put("terminal", false);
        var argv = process.putArray("args");
        arguments.forEach(argv::add);
        process.remove("rlimits");
        ((ObjectNode) config.path("root")).put("path", directory.resolve("rootfs").toString()).put("readonly", true);
        Files.writeString(file, JSON.writeValueAsString(config));
    }

    /** {@code crun run}: a container from nothing, {@code true} in it, and gone again. */
    long run() {
        return runs(1);
    }

    /** As many, one after the other without idle time. */
    long runs(int count) {
        return timed("run " + count);
    }

    /** {@code crun exec} of {@code true} in a container that lives. */
    long exec() {
        return timed("exec");
    }

    /** @return nanoseconds */
    private long timed(String what) {
        try {
            ask.write(what + "\n");
            ask.flush();
            String micros = answers.readLine();
            if (micros == null) {
                throw new OperatorException("crun failed; its reason stands above");
            }
            return Long.parseLong(micros) * 1000;
        } catch (IOException e) {
            throw new UncheckedIOException("crun broke off", e);
        }
    }

    @Override
    public void close() {
        try {
            ask.close();
            shell.waitFor();
            for (String name : List.of("live/config.json", "live", "rootfs", "config.json", ".")) {
                Files.deleteIfExists(directory.resolve(name).normalize());
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the peer did not end cleanly", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
