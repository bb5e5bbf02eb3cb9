package dev.atoll.domain;

import java.util.Optional;

/** A running watch. One thread calls {@link #next}. */
public interface FileWatch extends AutoCloseable {
    /** Blocks for the next event; empty when closed or the sandbox is gone. */
    Optional<WatchEvent> next();

    @Override
    void close();
}
