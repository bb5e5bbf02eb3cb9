package dev.atoll.warden;

import dev.atoll.domain.CapacityException;
import dev.atoll.domain.ConflictException;

/** An image on its way into the pool, where nothing is seen of it before the commit. One thread; close from any. */
public interface ImageWriter extends AutoCloseable {
    /** In rising order. What fails in the pool is told by {@link #commit}. */
    void write(ImagePart part);

    /**
     * Durable when it returns.
     *
     * @throws ConflictException when the parts are not those that the seal was made of
     * @throws CapacityException POOL when the pool ran over its admission mark
     */
    void commit(byte[] seal);

    /** Without a commit before, nothing is left of it. Idempotent. */
    @Override
    void close();
}
