package dev.atoll.face.nativeapi;

import dev.atoll.domain.ProcessExit;
import dev.atoll.domain.ProcessInfo;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** A process as clients read it. */
record ProcessJson(
        String id,
        int pid,
        List<String> argv,
        String cwd,
        String user,
        boolean tty,
        Instant startedAt,
        Optional<ExitJson> exit,
        long stdoutBytes,
        long stderrBytes,
        boolean stdinOpen) {
    /** @param signal absent when it exited by itself */
    record ExitJson(
            int exitCode,
            Optional<Integer> signal,
            boolean oomKilled,
            boolean timedOut,
            long stdoutBytes,
            long stderrBytes,
            Instant endedAt) {
        static ExitJson of(ProcessExit exit) {
            return new ExitJson(
                    exit.code(),
                    exit.signal() == 0 ? Optional.empty() : Optional.of(exit.signal()),
                    exit.oomKilled(),
                    exit.timedOut(),
                    exit.stdoutBytes(),
                    exit.stderrBytes(),
                    exit.endedAt());
        }
    }

    static ProcessJson of(ProcessInfo info) {
        return new ProcessJson(
                info.id().value(),
                info.pid(),
                info.argv(),
                info.cwd(),
                info.user(),
                info.tty(),
                info.startedAt(),
                info.exit().map(ExitJson::of),
                info.stdoutBytes(),
                info.stderrBytes(),
                info.stdinOpen());
    }
}
