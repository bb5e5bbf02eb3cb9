package dev.atoll.engine;

import dev.atoll.domain.AtollException;
import dev.atoll.domain.Execution;
import dev.atoll.domain.ProcessExit;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessInfo;
import dev.atoll.domain.SandboxId;
import dev.atoll.warden.Warden;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which processes of one boot the kernel killed for lack of memory. A guest cannot see that; the
 * warden counts it for the sandbox as a whole, before the killed process ends. So an end by SIGKILL,
 * or with the exit code by which a shell reports one, that finds the count higher than the end
 * before is taken for it. Each such end asks the warden once; every later look gives the same.
 *
 * <p>A process that was killed for lack of memory and whose end nobody looked at is mistaken for the
 * next one that is looked at. Thread-safe; {@code judge} blocks for the warden's answer.
 */
final class OomVerdicts {
    private static final Logger LOG = LoggerFactory.getLogger(OomVerdicts.class);
    private static final int KILLED = 128 + 9;
    /** More ended processes than a guest keeps. */
    private static final int REMEMBERED = 1024;

    private final Warden warden;
    private final SandboxId sandbox;
    private final LinkedHashMap<ProcessId, Boolean> verdicts = new LinkedHashMap<>();
    private long seen;

    private OomVerdicts(Warden warden, SandboxId sandbox, long seen) {
        this.warden = warden;
        this.sandbox = sandbox;
        this.seen = seen;
    }

    /** Of a boot that begins: the warden counts from zero. */
    static OomVerdicts ofBoot(Warden warden, SandboxId sandbox) {
        return new OomVerdicts(warden, sandbox, 0);
    }

    /** Of a boot that an earlier engine began: what was counted so far is not told any more. */
    static OomVerdicts ofAdopted(Warden warden, SandboxId sandbox) {
        return new OomVerdicts(warden, sandbox, killsOf(warden, sandbox).orElse(0));
    }

    Execution judge(Execution execution) {
        return new Execution(
                execution.id(),
                judge(execution.id(), execution.exit()),
                execution.stdout(),
                execution.stderr(),
                execution.truncated());
    }

    ProcessInfo judge(ProcessInfo info) {
        return new ProcessInfo(
                info.id(),
                info.pid(),
                info.argv(),
                info.cwd(),
                info.user(),
                info.tty(),
                info.startedAt(),
                info.exit().map(exit -> judge(info.id(), exit)),
                info.stdoutBytes(),
                info.stderrBytes(),
                info.stdinOpen());
    }

    ProcessExit judge(ProcessId id, ProcessExit exit) {
        boolean oomKilled = exit.code() == KILLED && !exit.timedOut() && lackedMemory(id);
        return new ProcessExit(
                exit.code(),
                exit.signal(),
                oomKilled,
                exit.timedOut(),
                exit.stdoutBytes(),
                exit.stderrBytes(),
                exit.endedAt());
    }

    private synchronized boolean lackedMemory(ProcessId id) {
        Boolean known = verdicts.get(id);
        if (known != null) {
            return known;
        }
        OptionalLong kills = killsNow();
        if (kills.isEmpty()) {
            return false;
        }
        boolean verdict = kills.getAsLong() > seen;
        seen = kills.getAsLong();
        verdicts.put(id, verdict);
        if (verdicts.size() > REMEMBERED) {
            verdicts.pollFirstEntry();
        }
        return verdict;
    }

    /** Empty when it cannot be known now: an end is told all the same. */
    private OptionalLong killsNow() {
        try {
            return killsOf(warden, sandbox);
        } catch (AtollException e) {
            LOG.warn("sandbox {}: whether memory was lacking is not known: {}", sandbox, e.getMessage());
            return OptionalLong.empty();
        }
    }

    private static OptionalLong killsOf(Warden warden, SandboxId sandbox) {
        return warden.usage(List.of(sandbox)).stream().mapToLong(usage -> usage.oomKills()).findAny();
    }
}
