package dev.atoll.domain;

import java.util.Optional;

/**
 * A live connection to a process. One thread calls {@link #next}; one other thread may call the
 * input methods at the same time. A reader that does not call next holds the process when it is a
 * required reader: the kernel's buffers are all that lies between. Closing detaches; it does not end
 * the process unless it was started so.
 */
public interface ProcessStream extends AutoCloseable {
    ProcessId id();

    /** Pid inside the sandbox. */
    int pid();

    /** Whether a process of this id existed before, so that this call only attached. */
    boolean existed();

    /** Blocks for the next event; empty after {@link ProcessEvent.Exited} or, with stopAtEnd, at the end. */
    Optional<ProcessEvent> next();

    void write(byte[] bytes, int offset, int length);

    /** End of file on standard input. */
    void closeInput();

    void resize(int columns, int rows);

    /** Signals the process, or with {@code group} its whole group. */
    void signal(int signal, boolean group);

    @Override
    void close();
}
