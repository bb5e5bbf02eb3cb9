package dev.atoll.engine;

import dev.atoll.domain.ActivityKind;
import dev.atoll.domain.Caller;
import dev.atoll.domain.Entrypoint;
import dev.atoll.domain.Execution;
import dev.atoll.domain.GuestException;
import dev.atoll.domain.InputStatus;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.ProcessEvent;
import dev.atoll.domain.ProcessExit;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessInfo;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.ProcessStream;
import dev.atoll.domain.Processes;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.guest.GuestProcesses;
import dev.atoll.store.SandboxRecord;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

/** Processes inside sandboxes: chooses the ids, marks the use, translates the guest's "no such process". */
final class ProcessService implements Processes {
    /** A unary run keeps this much of each stream at most; more is for a stream. */
    private static final int MOST_OUTPUT = 64 << 20;

    private static final int MOST_INPUT = 8 << 20;
    private static final int HIGHEST_SIGNAL = 64;
    /** Between the loss of a guest and the end of its sandbox, when it is one. */
    private static final Duration END_FOLLOWS = Duration.ofSeconds(10);

    private final GuestCalls calls;
    private final Ids ids;
    private final OwnerTools tools;
    private final KillPoints killPoints;

    ProcessService(GuestCalls calls, OwnerTools tools, Ids ids) {
        this.calls = calls;
        this.tools = tools;
        this.ids = ids;
        this.killPoints = tools.killPoints();
    }

    @Override
    public Execution run(Caller caller, SandboxId sandbox, ProcessSpec spec, int maxOutput) {
        InvalidFieldException.requireRange("maxOutput", maxOutput, 0, MOST_OUTPUT);
        SandboxOwner owner = calls.owner(caller, sandbox);
        Occupancy boot = owner.boot("exec");
        killPoints.reached(KillPoint.EXEC_REQUESTED);
        Execution execution = boot.oom().judge(boot.endpoint().processes().run(idOf(spec), withSecrets(caller, spec), maxOutput));
        owner.use(ActivityKind.PROCESS_RUNNING);
        killPoints.reached(KillPoint.EXEC_ENDED);
        return execution;
    }

    @Override
    public ProcessStream start(Caller caller, SandboxId sandbox, ProcessSpec spec) {
        SandboxOwner owner = calls.owner(caller, sandbox);
        Occupancy boot = owner.boot("exec");
        killPoints.reached(KillPoint.EXEC_REQUESTED);
        ProcessStream stream = boot.endpoint().processes().start(idOf(spec), withSecrets(caller, spec));
        killPoints.reached(KillPoint.EXEC_STARTED);
        return new MarkingStream(stream, owner, boot.oom());
    }

    @Override
    public ProcessInfo startDetached(Caller caller, SandboxId sandbox, ProcessSpec spec) {
        Occupancy boot = calls.owner(caller, sandbox).boot("exec");
        killPoints.reached(KillPoint.EXEC_REQUESTED);
        ProcessInfo started = boot.endpoint().processes().startDetached(idOf(spec), withSecrets(caller, spec));
        killPoints.reached(KillPoint.EXEC_STARTED);
        return boot.oom().judge(started);
    }

    @Override
    public ProcessStream attach(
            Caller caller, SandboxId sandbox, ProcessId id, long stdoutOffset, long stderrOffset, boolean stopAtEnd) {
        InvalidFieldException.requireRange("stdoutOffset", stdoutOffset, 0, Long.MAX_VALUE);
        InvalidFieldException.requireRange("stderrOffset", stderrOffset, 0, Long.MAX_VALUE);
        var offsets = Map.of(ProcessEvent.Stream.STDOUT, stdoutOffset, ProcessEvent.Stream.STDERR, stderrOffset);
        return reading(caller, sandbox, id, offsets, stopAtEnd,
                processes -> processes.attach(id, stdoutOffset, stderrOffset, stopAtEnd));
    }

    @Override
    public ProcessStream attachTo(
            Caller caller,
            SandboxId sandbox,
            ProcessId id,
            ProcessEvent.Stream stream,
            long offset,
            boolean stopAtEnd) {
        InvalidFieldException.requireRange("offset", offset, 0, Long.MAX_VALUE);
        return reading(caller, sandbox, id, Map.of(stream, offset), stopAtEnd,
                processes -> processes.attachTo(id, stream, offset, stopAtEnd));
    }

    /** @param offsets of the outputs to be read */
    private ProcessStream reading(
            Caller caller,
            SandboxId sandbox,
            ProcessId id,
            Map<ProcessEvent.Stream, Long> offsets,
            boolean stopAtEnd,
            Function<GuestProcesses, ProcessStream> attach) {
        boolean entrypoint = id.equals(Entrypoint.PROCESS);
        Optional<ProcessStream> ended = entrypoint ? ended(caller, sandbox, offsets) : Optional.empty();
        if (ended.isPresent()) {
            return ended.get();
        }
        SandboxOwner owner = calls.owner(caller, sandbox);
        Occupancy boot = owner.boot("attach");
        ProcessStream stream =
                known(id, () -> new MarkingStream(attach.apply(boot.endpoint().processes()), owner, boot.oom()));
        if (!entrypoint || stopAtEnd) {
            return stream;
        }
        return new EntrypointStream(
                stream, offsets, left -> owner.awaitEnd(END_FOLLOWS).flatMap(end -> streamOf(end, left)));
    }

    /** The kept output of an entrypoint whose sandbox is over and remembered. */
    private Optional<ProcessStream> ended(
            Caller caller, SandboxId sandbox, Map<ProcessEvent.Stream, Long> offsets) {
        boolean lives = tools.registry().find(sandbox).map(owner -> !owner.isDeleted()).orElse(false);
        return lives
                ? Optional.empty()
                : tools.journal().get(sandbox)
                        .map(SandboxRecord::sandbox)
                        .filter(s -> s.project().equals(caller.project()))
                        .flatMap(s -> streamOf(s, offsets));
    }

    private Optional<ProcessStream> streamOf(Sandbox ended, Map<ProcessEvent.Stream, Long> offsets) {
        return ended.outcome().isPresent() && ended.entrypoint().isPresent()
                ? Optional.of(tools.entrypoints().ended(ended, offsets))
                : Optional.empty();
    }

    @Override
    public List<ProcessInfo> list(Caller caller, SandboxId sandbox, boolean includeEnded) {
        Occupancy boot = calls.owner(caller, sandbox).boot("listing processes");
        return boot.endpoint().processes().list(includeEnded).stream()
                .map(boot.oom()::judge)
                .toList();
    }

    @Override
    public ProcessInfo get(Caller caller, SandboxId sandbox, ProcessId id) {
        Occupancy boot = calls.owner(caller, sandbox).boot("looking at a process");
        return boot.endpoint().processes().list(true).stream()
                .filter(p -> p.id().equals(id))
                .findFirst()
                .map(boot.oom()::judge)
                .orElseThrow(() -> new NotFoundException("process", id.value()));
    }

    @Override
    public Optional<ProcessExit> await(Caller caller, SandboxId sandbox, ProcessId id, Duration timeout) {
        Occupancy boot = calls.owner(caller, sandbox).boot("waiting for a process");
        return known(id, () -> boot.endpoint().processes().await(id, timeout))
                .map(exit -> boot.oom().judge(id, exit));
    }

    @Override
    public long input(Caller caller, SandboxId sandbox, ProcessId id, long offset, byte[] data, boolean eof) {
        InvalidFieldException.requireRange("data.bytes", data.length, 0, MOST_INPUT);
        InvalidFieldException.requireRange("offset", offset, -1, Long.MAX_VALUE);
        SandboxOwner owner = calls.owner(caller, sandbox);
        GuestProcesses processes = owner.guest("input").processes();
        owner.use(ActivityKind.STDIN);
        return known(id, () -> processes.input(id, offset, data, eof));
    }

    @Override
    public InputStatus inputStatus(Caller caller, SandboxId sandbox, ProcessId id) {
        boolean closed = !get(caller, sandbox, id).stdinOpen();
        GuestProcesses processes = processes(caller, sandbox, "input");
        // Nothing, appended: the guest answers how much it has.
        return new InputStatus(known(id, () -> processes.input(id, -1, new byte[0], false)), closed);
    }

    @Override
    public void resize(Caller caller, SandboxId sandbox, ProcessId id, int columns, int rows) {
        InvalidFieldException.requireRange("columns", columns, 1, 1000);
        InvalidFieldException.requireRange("rows", rows, 1, 1000);
        GuestProcesses processes = processes(caller, sandbox, "resize");
        known(id, () -> {
            processes.resize(id, columns, rows);
            return id;
        });
    }

    @Override
    public void signal(Caller caller, SandboxId sandbox, ProcessId id, int signal, boolean group) {
        InvalidFieldException.requireRange("signal", signal, 1, HIGHEST_SIGNAL);
        GuestProcesses processes = processes(caller, sandbox, "signal");
        known(id, () -> {
            processes.signal(id, signal, group);
            return id;
        });
    }

    private GuestProcesses processes(Caller caller, SandboxId sandbox, String operation) {
        return calls.guest(caller, sandbox, operation).processes();
    }

    /** With the variables of its secrets, over which its own environment lies. */
    private ProcessSpec withSecrets(Caller caller, ProcessSpec spec) {
        if (spec.secrets().isEmpty()) {
            return spec;
        }
        Map<String, String> env = tools.secrets().resolve(caller.project(), spec.secrets());
        env.putAll(spec.env());
        return spec.withEnv(env).withSecrets(List.of());
    }

    private ProcessId idOf(ProcessSpec spec) {
        return spec.id().orElseGet(() -> new ProcessId(ids.next()));
    }

    private static <T> T known(ProcessId id, Supplier<T> call) {
        try {
            return call.get();
        } catch (GuestException e) {
            if (e.code() == GuestException.Code.NO_SUCH_PROCESS) {
                throw new NotFoundException("process", id.value());
            }
            throw e;
        }
    }
}
