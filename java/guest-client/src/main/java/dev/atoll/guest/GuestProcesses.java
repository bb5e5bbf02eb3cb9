package dev.atoll.guest;

import dev.atoll.domain.Execution;
import dev.atoll.domain.GuestException;
import dev.atoll.domain.ProcessEvent;
import dev.atoll.domain.ProcessExit;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessInfo;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.ProcessStream;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * The processes of one sandbox. The id argument of the starting methods is what counts; the
 * specification's own is not looked at. A process that the guest does not know is a
 * {@link GuestException} of code NO_SUCH_PROCESS.
 */
public interface GuestProcesses {
    /**
     * Runs to the end. Open-ended unless the specification has a timeout.
     *
     * @param maxOutput bytes kept of each stream; what is beyond is read and thrown away
     */
    Execution run(ProcessId id, ProcessSpec spec, int maxOutput);

    /** Starts, or attaches to the process of this id, and streams output from the start. */
    ProcessStream start(ProcessId id, ProcessSpec spec);

    /** Starts, or finds the process of this id; returns when it has a pid. */
    ProcessInfo startDetached(ProcessId id, ProcessSpec spec);

    /** @param stopAtEnd end with what is there now instead of following */
    ProcessStream attach(ProcessId id, long stdoutOffset, long stderrOffset, boolean stopAtEnd);

    /** As {@link #attach}, of one output only. */
    ProcessStream attachTo(ProcessId id, ProcessEvent.Stream stream, long offset, boolean stopAtEnd);

    List<ProcessInfo> list(boolean includeEnded);

    /** Empty when it still runs after {@code timeout}; zero = look only. */
    Optional<ProcessExit> await(ProcessId id, Duration timeout);

    /** @param offset where the data starts in all input so far, -1 = append; returns the offset after it */
    long input(ProcessId id, long offset, byte[] data, boolean eof);

    void resize(ProcessId id, int columns, int rows);

    void signal(ProcessId id, int signal, boolean group);

    /** Drops an ended process and its output. */
    void forget(ProcessId id);
}
