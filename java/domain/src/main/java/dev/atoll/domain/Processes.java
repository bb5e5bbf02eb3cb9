package dev.atoll.domain;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * The processes inside sandboxes. Legal while RUNNING; a PAUSED sandbox answers
 * {@link WrongStateException}. Errors of the sandbox's own (no such command, no such user) are
 * {@link GuestException}.
 */
public interface Processes {
    /** Runs to the end and collects at most {@code maxOutput} bytes of each stream. */
    Execution run(Caller caller, SandboxId sandbox, ProcessSpec spec, int maxOutput);

    /** Starts (or, for an id that exists, attaches to) a process and streams its output from the start. */
    ProcessStream start(Caller caller, SandboxId sandbox, ProcessSpec spec);

    /** Starts a process that nobody reads for now. */
    ProcessInfo startDetached(Caller caller, SandboxId sandbox, ProcessSpec spec);

    /**
     * Reads the output from these offsets on.
     *
     * @param stopAtEnd end with what is there now instead of following
     */
    ProcessStream attach(
            Caller caller, SandboxId sandbox, ProcessId id, long stdoutOffset, long stderrOffset, boolean stopAtEnd);

    List<ProcessInfo> list(Caller caller, SandboxId sandbox, boolean includeEnded);

    /** @throws NotFoundException when the sandbox knows no such process */
    ProcessInfo get(Caller caller, SandboxId sandbox, ProcessId id);

    /** The exit, or empty when it still runs after {@code timeout} (zero = look only). */
    Optional<ProcessExit> await(Caller caller, SandboxId sandbox, ProcessId id, Duration timeout);

    /**
     * Appends to standard input.
     *
     * @param offset where this data starts in all input so far, so that a retry writes nothing twice; -1 = append
     * @return the offset after it
     */
    long input(Caller caller, SandboxId sandbox, ProcessId id, long offset, byte[] data, boolean eof);

    void resize(Caller caller, SandboxId sandbox, ProcessId id, int columns, int rows);

    void signal(Caller caller, SandboxId sandbox, ProcessId id, int signal, boolean group);
}
