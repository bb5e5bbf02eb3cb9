package dev.atoll.domain;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** A process of a sandbox as the guest reports it; every field is hostile input. */
public record ProcessInfo(
        ProcessId id,
        int pid,
        List<String> argv,
        String cwd,
        String user,
        boolean tty,
        Instant startedAt,
        Optional<ProcessExit> exit,
        long stdoutBytes,
        long stderrBytes,
        boolean stdinOpen) {
    public ProcessInfo {
        argv = List.copyOf(argv);
    }
}
