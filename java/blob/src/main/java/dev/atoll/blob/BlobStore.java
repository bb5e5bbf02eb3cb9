package dev.atoll.blob;

import dev.atoll.domain.ConflictException;
import dev.atoll.domain.UnavailableException;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A place for byte arrays under names, as object stores offer it. Names are of {@code [a-z0-9/]}, at most
 * 200 characters; contents are at most {@link #MOST_BYTES}. All methods are safe from any thread and block it; a
 * store that cannot be reached, refuses or fails is an {@link UnavailableException}.
 */
public interface BlobStore extends AutoCloseable {
    /** Of one content: a part of an image, which is 1 MiB and a little, sealed, and some room. */
    int MOST_BYTES = 2 << 20;

    /** A blob as a listing shows it. */
    record Blob(String name, long bytes) {}

    /** Replaces what has the name. Readers see all of it or nothing. Durable after the next {@link #flush}. */
    void put(String name, byte[] content);

    /**
     * What has the name, or empty.
     *
     * @throws ConflictException when it is larger than anything that is stored, of which no more is read: the
     *     place need not be trusted
     */
    Optional<byte[]> get(String name);

    boolean has(String name);

    /** Idempotent. */
    void delete(String name);

    /**
     * Tells every blob whose name begins so, in no order; those put or deleted meanwhile may be told. Who is
     * told one may delete it at once. Memory does not grow with their number.
     */
    void list(String prefix, Consumer<Blob> each);

    /** Returns when everything that was put before is durable. */
    void flush();

    /** @param content as read, at most one byte more than {@link #MOST_BYTES} */
    static byte[] requireBounded(String name, byte[] content) {
        if (content.length > MOST_BYTES) {
            throw new ConflictException("the blob store gave more than " + MOST_BYTES + " bytes for " + name
                    + ": it is nothing that was stored");
        }
        return content;
    }

    @Override
    void close();
}
