package dev.atoll.engine;

import dev.atoll.domain.AtollException;
import dev.atoll.domain.Entrypoint;
import dev.atoll.domain.GuestException;
import dev.atoll.domain.Outcome;
import dev.atoll.domain.ProcessEvent;
import dev.atoll.domain.ProcessExit;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.ProcessStream;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SandboxState;
import dev.atoll.guest.GuestEndpoint;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts the entrypoints of sandboxes, tells their owners when they exit, and keeps what they wrote
 * when the sandbox ends.
 */
final class Entrypoints {
    private static final Logger LOG = LoggerFactory.getLogger(Entrypoints.class);
    /** How long one question to a guest whether its entrypoint has ended may wait. */
    private static final Duration LOOK = Duration.ofMinutes(10);

    private static final Duration RETRY = Duration.ofSeconds(1);
    /** What a guest gets to hand out its output before the sandbox is ended without it. */
    private static final Duration DRAIN = Duration.ofSeconds(5);

    private final EndedOutput output;
    private final Clock clock;
    private final Executor virtualThreads;

    Entrypoints(EndedOutput output, Clock clock, Executor virtualThreads) {
        this.output = output;
        this.clock = clock;
        this.virtualThreads = virtualThreads;
    }

    /**
     * Starts the entrypoint of a boot, if the sandbox has one.
     *
     * @return why it could not be started, when the sandbox itself was at fault
     */
    Optional<Outcome> start(Sandbox sandbox, GuestEndpoint endpoint) {
        if (!hasProcess(sandbox)) {
            return Optional.empty();
        }
        Entrypoint entrypoint = sandbox.entrypoint().orElseThrow();
        ProcessSpec plain = ProcessSpec.of(entrypoint.argv()).withStdin(true).withReader(false, false);
        ProcessSpec spec = entrypoint.tty().map(plain::withTty).orElse(plain);
        try {
            var unused = endpoint.processes().startDetached(Entrypoint.PROCESS, spec);
            return Optional.empty();
        } catch (GuestException e) {
            return Optional.of(
                    new Outcome(Outcome.Kind.INIT_FAILURE, Optional.empty(), cut(String.valueOf(e.getMessage())), clock.instant()));
        }
    }

    private static boolean hasProcess(Sandbox sandbox) {
        return sandbox.entrypoint().map(e -> !e.argv().isEmpty()).orElse(false);
    }

    private static String cut(String text) {
        return text.length() > 1000 ? text.substring(0, 1000) : text;
    }

    /** Tells the owner of the entrypoint's exit, for as long as this boot lasts; returns at once. */
    void watch(SandboxOwner owner, Occupancy boot) {
        if (hasProcess(owner.record().sandbox()) && owner.endsWithEntrypoint()) {
            virtualThreads.execute(() -> awaitExit(owner, boot));
        }
    }

    private void awaitExit(SandboxOwner owner, Occupancy boot) {
        while (owner.livesIn(boot)) {
            try {
                Optional<ProcessExit> exit = boot.endpoint().processes().await(Entrypoint.PROCESS, LOOK);
                if (exit.isPresent()) {
                    owner.enqueue(new SandboxCommand.End(boot.generation(), outcomeOf(boot, exit.get())));
                    return;
                }
            } catch (GuestException e) {
                owner.enqueue(new SandboxCommand.End(
                        boot.generation(),
                        new Outcome(Outcome.Kind.LOST, Optional.empty(), cut(String.valueOf(e.getMessage())), clock.instant())));
                return;
            } catch (AtollException e) {
                // The connection broke: the guest dials again, or the boot is over.
                if (owner.livesIn(boot)) {
                    LockSupport.parkNanos(RETRY.toNanos());
                }
            }
        }
    }

    private Outcome outcomeOf(Occupancy boot, ProcessExit reported) {
        ProcessExit exit = boot.oom().judge(Entrypoint.PROCESS, reported);
        var kind = exit.oomKilled() ? Outcome.Kind.OUT_OF_MEMORY : Outcome.Kind.EXITED;
        return new Outcome(kind, Optional.of(exit), "", clock.instant());
    }

    /**
     * Keeps what the entrypoint of a sandbox that is about to be ended wrote so far. Gives up after a
     * bounded time: no guest can hold up its end. The guest of a frozen sandbox cannot answer; its output
     * is not kept.
     */
    void keepOutput(Sandbox sandbox, Occupancy boot) {
        if (!hasProcess(sandbox) || sandbox.state() != SandboxState.RUNNING) {
            return;
        }
        var wanted = new AtomicBoolean(true);
        CompletableFuture<Void> drained =
                CompletableFuture.runAsync(() -> drain(sandbox.id(), boot, wanted), virtualThreads);
        try {
            drained.orTimeout(DRAIN.toMillis(), TimeUnit.MILLISECONDS).join();
        } catch (CompletionException e) {
            wanted.set(false);
            LOG.warn("sandbox {}: the output of its entrypoint is not kept: {}", sandbox.id(), String.valueOf(e.getCause()));
        }
    }

    private void drain(SandboxId sandbox, Occupancy boot, AtomicBoolean wanted) {
        try (ProcessStream stream = boot.endpoint().processes().attach(Entrypoint.PROCESS, 0, 0, true)) {
            output.keep(sandbox, stream, wanted::get);
        } catch (GuestException e) {
            LOG.debug("sandbox {}: its entrypoint never ran: {}", sandbox, e.getMessage());
        } catch (IOException e) {
            throw new CompletionException(e);
        }
    }

    /** What is kept of an ended sandbox's entrypoint. */
    ProcessStream ended(Sandbox sandbox, Map<ProcessEvent.Stream, Long> offsets) {
        return new EndedStream(output, sandbox.id(), sandbox.outcome().orElseThrow(), offsets);
    }
}
