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

    /**
     * Reads one of the outputs from this offset on; the other is left where it is.
     *
     * <p>The output of an {@link Entrypoint#PROCESS} can be read like this, and by {@link #attach}, after
     * the sandbox's end, too, as long as its {@link Outcome} is remembered; a stream that follows it
     * goes on over the end. What is kept then are the newest bytes up to the bound of a spool.
     *
     * @param offset 0 to what was written so far
     */
    ProcessStream attachTo(
            Caller caller,
            SandboxId sandbox,
            ProcessId id,
            ProcessEvent.Stream stream,
            long offset,
            boolean stopAtEnd);

    List<ProcessInfo> list(Caller caller, SandboxId sandbox, boolean includeEnded);

    /** @throws NotFoundException when the sandbox knows no such process */
    ProcessInfo get(Caller caller, SandboxId sandbox, ProcessId id);

    /** The exit, or empty when it still runs after {@code timeout} (zero = look only). */
    Optional<ProcessExit> await(Caller caller, SandboxId sandbox, ProcessId id, Duration timeout);

    /**
     * Appends to standard input.
     *
     * @param offset where this data starts in all input so far, so that a retry writes nothing twice: bytes
     *     below what was accepted are dropped, a gap is {@link GuestException} STALE_OFFSET; -1 = append
     * @return the offset after it
     */
    long input(Caller caller, SandboxId sandbox, ProcessId id, long offset, byte[] data, boolean eof);

    /** How much of the input was accepted so far. */
    InputStatus inputStatus(Caller caller, SandboxId sandbox, ProcessId id);

    void resize(Caller caller, SandboxId sandbox, ProcessId id, int columns, int rows);

    void signal(Caller caller, SandboxId sandbox, ProcessId id, int signal, boolean group);
}
