package dev.atoll.warden;

import dev.atoll.domain.AtollException;
import dev.atoll.domain.UnavailableException;
import java.util.Optional;

/** The image of a stopped disk or a snapshot as it comes out of the pool. One thread; close from any. */
public interface ImageReader extends AutoCloseable {
    /** Bytes of the whole image. */
    long size();

    /**
     * The next part; empty at the end.
     *
     * @throws UnavailableException when the image cannot be read or the warden does not answer
     */
    Optional<ImagePart> next() throws AtollException;

    /** What {@link ImageWriter#commit} needs to bring the image back. After the end only. */
    byte[] seal();

    /** Whatever was not read stays; the image may be written to from then on. Idempotent. */
    @Override
    void close();
}
