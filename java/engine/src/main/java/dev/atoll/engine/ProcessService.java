package dev.atoll.engine;

import dev.atoll.domain.ActivityKind;
import dev.atoll.domain.Caller;
import dev.atoll.domain.Execution;
import dev.atoll.domain.GuestException;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.ProcessExit;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessInfo;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.ProcessStream;
import dev.atoll.domain.Processes;
import dev.atoll.domain.SandboxId;
import dev.atoll.guest.GuestProcesses;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** Processes inside sandboxes: chooses the ids, marks the use, translates the guest's "no such process". */
final class ProcessService implements Processes {
    /** A unary run keeps this much of each stream at most; more is for a stream. */
    private static final int MOST_OUTPUT = 64 << 20;

    private static final int MOST_INPUT = 8 << 20;
    private static final int HIGHEST_SIGNAL = 64;

    private final GuestCalls calls;
    private final Ids ids;
    private final KillPoints killPoints;

    ProcessService(GuestCalls calls, Ids ids, KillPoints killPoints) {
        this.calls = calls;
        this.ids = ids;
        this.killPoints = killPoints;
    }

    @Override
    public Execution run(Caller caller, SandboxId sandbox, ProcessSpec spec, int maxOutput) {
        InvalidFieldException.requireRange("maxOutput", maxOutput, 0, MOST_OUTPUT);
        SandboxOwner owner = calls.owner(caller, sandbox);
        Occupancy boot = owner.boot("exec");
        killPoints.reached(KillPoint.EXEC_REQUESTED);
        Execution execution = boot.oom().judge(boot.endpoint().processes().run(idOf(spec), spec, maxOutput));
        owner.use(ActivityKind.PROCESS_RUNNING);
        killPoints.reached(KillPoint.EXEC_ENDED);
        return execution;
    }

    @Override
    public ProcessStream start(Caller caller, SandboxId sandbox, ProcessSpec spec) {
        SandboxOwner owner = calls.owner(caller, sandbox);
        Occupancy boot = owner.boot("exec");
        killPoints.reached(KillPoint.EXEC_REQUESTED);
        ProcessStream stream = boot.endpoint().processes().start(idOf(spec), spec);
        killPoints.reached(KillPoint.EXEC_STARTED);
        return new MarkingStream(stream, owner, boot.oom());
    }

    @Override
    public ProcessInfo startDetached(Caller caller, SandboxId sandbox, ProcessSpec spec) {
        Occupancy boot = calls.owner(caller, sandbox).boot("exec");
        killPoints.reached(KillPoint.EXEC_REQUESTED);
        ProcessInfo started = boot.endpoint().processes().startDetached(idOf(spec), spec);
        killPoints.reached(KillPoint.EXEC_STARTED);
        return boot.oom().judge(started);
    }

    @Override
    public ProcessStream attach(
            Caller caller, SandboxId sandbox, ProcessId id, long stdoutOffset, long stderrOffset, boolean stopAtEnd) {
        InvalidFieldException.requireRange("stdoutOffset", stdoutOffset, 0, Long.MAX_VALUE);
        InvalidFieldException.requireRange("stderrOffset", stderrOffset, 0, Long.MAX_VALUE);
        SandboxOwner owner = calls.owner(caller, sandbox);
        Occupancy boot = owner.boot("attach");
        GuestProcesses processes = boot.endpoint().processes();
        return new MarkingStream(
                known(id, () -> processes.attach(id, stdoutOffset, stderrOffset, stopAtEnd)), owner, boot.oom());
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
