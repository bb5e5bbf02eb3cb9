package dev.atoll.app.run;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Starts an instance, in the foreground or in the background. */
public final class Up {
    private static final String READY = "ready";

    private final Instance instance;
    private final Dist dist;
    private final Sandboxes sandboxes;
    private final PrintStream out;
    private boolean keep;

    /** What is done to the sandboxes of an instance before it ends. */
    public interface Sandboxes {
        /** Stops those that run, with their files kept. */
        void stopAll(Endpoint endpoint);
    }

    public Up(Instance instance, Dist dist, Sandboxes sandboxes, PrintStream out) {
        this.instance = instance;
        this.dist = dist;
        this.sandboxes = sandboxes;
        this.out = out;
    }

    /** Where it is reached, if it runs under a supervisor already. */
    public Optional<Endpoint> running() {
        return instance.supervisor().flatMap(supervisor -> Endpoint.read(instance.layout().endpoint()));
    }

    /** Checks, builds the template, writes the files. */
    public void prepare() {
        instance.check("atoll up");
        instance.buildTemplate();
        instance.prepare();
    }

    /** Returns when the instance has ended, by Ctrl-C, SIGTERM or {@code down}. */
    public void foreground(Runnable ready) {
        var supervisor = new Supervisor(instance.programs(), System.err);
        Runtime.getRuntime().addShutdownHook(new Thread(supervisor::stop, "stop"));
        instance.writeSupervisorPid();
        try {
            supervisor.run(ready, this::stopSandboxes, this::clearKernel);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            instance.deleteSupervisorPid();
        }
    }

    private void stopSandboxes() {
        keep = KeepMark.taken(instance.layout());
        if (!keep) {
            Endpoint.read(instance.layout().endpoint()).ifPresent(sandboxes::stopAll);
        }
    }

    private void clearKernel() {
        if (!keep) {
            instance.clearKernel();
        }
    }

    /** Starts a supervisor that outlives this program and returns when the instance serves. */
    public void detached() {
        var command = new ArrayList<>(List.of("setsid"));
        command.addAll(dist.command(
                "cli", List.of("-Xmx32m"), List.of("supervise", "--config", instance.layout().engineConfig().toString())));
        try {
            Process supervisor = new ProcessBuilder(command)
                    .redirectInput(new File("/dev/null"))
                    .redirectError(ProcessBuilder.Redirect.appendTo(instance.layout().supervisorLog().toFile()))
                    .start();
            var said = new StringBuilder();
            try (var lines = new BufferedReader(new InputStreamReader(supervisor.getInputStream(), StandardCharsets.UTF_8))) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    if (line.equals(READY)) {
                        return;
                    }
                    said.append(line).append('\n');
                }
            }
            throw new OperatorException(said.isEmpty() ? "the supervisor ended; see " + instance.layout().supervisorLog() : said.toString().strip());
        } catch (IOException e) {
            throw new UncheckedIOException("the supervisor cannot be started", e);
        }
    }

    /** The background supervisor itself: says on its standard output when the instance serves, then leaves it. */
    public void supervise() {
        try {
            foreground(() -> {
                out.println(READY);
                out.close();
            });
        } catch (OperatorException failed) {
            out.println(failed.getMessage());
            throw failed;
        }
    }
}
