package dev.atoll.app.run;

import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Ends an instance. Safe to call when nothing runs, or when parts of it were killed. */
public final class Down {
    private static final Duration ENDS_WITHIN = Duration.ofMinutes(3);

    private final Instance instance;
    private final Up.Sandboxes sandboxes;

    public Down(Instance instance, Up.Sandboxes sandboxes) {
        this.instance = instance;
        this.sandboxes = sandboxes;
    }

    /** What becomes of the sandboxes. */
    public enum Then {
        /** They go on; the next {@code up} takes them over. */
        KEEP,
        /** They are stopped, their files stay. */
        STOP,
        /** Everything is deleted. */
        PURGE
    }

    public void run(Then then) {
        Preflight.requireRoot("atoll down");
        if (then == Then.PURGE) {
            // Before anything is stopped: a purge that cannot end does not begin.
            instance.requireOwnState();
        }
        if (then == Then.KEEP && instance.supervisor().isPresent()) {
            KeepMark.set(instance.layout());
        }
        instance.supervisor().ifPresentOrElse(Down::end, () -> withoutSupervisor(then));
        if (then != Then.KEEP) {
            instance.clearKernel();
        }
        if (then == Then.PURGE) {
            instance.deleteState();
        }
    }

    /** It was killed, or never was: its programs may be there all the same. */
    private void withoutSupervisor(Then then) {
        boolean serves = instance.systemd().isInstalled()
                || instance.programs().stream().allMatch(program -> program.running().isPresent());
        if (then == Then.STOP && serves) {
            Endpoint.read(instance.layout().endpoint()).ifPresent(sandboxes::stopAll);
        }
        instance.stopPrograms();
    }

    private static void end(ProcessHandle supervisor) {
        supervisor.destroy();
        try {
            supervisor.onExit().get(ENDS_WITHIN.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException stuck) {
            throw new OperatorException("the supervisor, pid " + supervisor.pid() + ", does not end");
        } catch (ExecutionException impossible) {
            throw new AssertionError("onExit never fails", impossible);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
