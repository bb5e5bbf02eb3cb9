package dev.atoll.blob;

import dev.atoll.domain.UnavailableException;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A place for byte arrays under names, as object stores offer it. Names are of {@code [a-z0-9/]}, at most
 * 200 characters; contents are at most a few MiB. All methods are safe from any thread and block it; a
 * store that cannot be reached, refuses or fails is an {@link UnavailableException}.
 */
public interface BlobStore extends AutoCloseable {
    /** A blob as a listing shows it. */
    record Blob(String name, long bytes) {}

    /** Replaces what has the name. Readers see all of it or nothing. Durable after the next {@link #flush}. */
    void put(String name, byte[] content);

    Optional<byte[]> get(String name);

    boolean has(String name);

    /** Idempotent. */
    void delete(String name);

    /** Tells every blob whose name begins so, in no order; those put or deleted meanwhile may be told. */
    void list(String prefix, Consumer<Blob> each);

    /** Returns when everything that was put before is durable. */
    void flush();

    @Override
    void close();
}
