package dev.atoll.http;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.util.Objects;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.util.Blocker;
import org.eclipse.jetty.util.IO;
import org.jspecify.annotations.Nullable;

/**
 * The body of a request as a blocking stream, and as a channel that copies from Jetty's buffer straight
 * into the reader's, wherever its memory lies. For one thread. Closing does nothing: what is left of
 * the body is the exchange's to deal with.
 */
final class RequestBody extends InputStream implements ReadableByteChannel {
    private final Content.Source source;
    private Content.@Nullable Chunk chunk;

    RequestBody(Content.Source source) {
        this.source = source;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, bytes.length);
        return read(ByteBuffer.wrap(bytes, offset, length));
    }

    @Override
    public int read(ByteBuffer into) throws IOException {
        if (!into.hasRemaining()) {
            return 0;
        }
        Content.Chunk content = content(true);
        if (content == null) {
            return -1;
        }
        ByteBuffer from = content.getByteBuffer();
        int count = Math.min(from.remaining(), into.remaining());
        into.put(into.position(), from, from.position(), count);
        into.position(into.position() + count);
        from.position(from.position() + count);
        if (!from.hasRemaining()) {
            pass(content);
        }
        return count;
    }

    /** A chunk with bytes in it; {@code null} at the end and, for the impatient, when none has arrived. */
    private Content.@Nullable Chunk content(boolean patient) throws IOException {
        while (true) {
            Content.Chunk current = chunk;
            if (current == null) {
                chunk = source.read();
                if (chunk == null) {
                    if (!patient) {
                        return null;
                    }
                    await();
                }
            } else if (Content.Chunk.isFailure(current)) {
                throw IO.rethrow(current.getFailure());
            } else if (current.hasRemaining()) {
                return current;
            } else if (current.isLast()) {
                return null;
            } else {
                pass(current);
            }
        }
    }

    /** Gives the chunk's memory back. What ends the body stays, to be found again. */
    private void pass(Content.Chunk read) {
        chunk = Content.Chunk.next(read);
        read.release();
    }

    /**
     * Reads what is left and forgets it. @return whether the body is at its end
     *
     * @param most bytes; more are left alone
     * @param patient whether to wait for what has not arrived
     * @param giveUpAt System.nanoTime after which no more is read
     */
    boolean discard(long most, boolean patient, long giveUpAt) throws IOException {
        long left = most;
        while (left >= 0 && System.nanoTime() - giveUpAt < 0) {
            Content.Chunk current = content(patient);
            if (current == null) {
                return chunk != null;
            }
            left -= current.remaining();
            pass(current);
        }
        return false;
    }

    void release() {
        Content.Chunk current = chunk;
        if (current != null) {
            pass(current);
        }
    }

    private void await() throws IOException {
        try (Blocker.Runnable arrival = Blocker.runnable()) {
            source.demand(arrival);
            arrival.block();
        }
    }

    @Override
    public boolean isOpen() {
        return true;
    }

    @Override
    public void close() {
        // See above.
    }
}
