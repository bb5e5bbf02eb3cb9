package dev.atoll.guest;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.MessageLite;
import dev.atoll.guest.proto.Hello;
import dev.atoll.guest.proto.Reply;
import dev.atoll.guest.proto.Request;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Arrays;

/**
 * One connection that a guest dialled: frames out and in.
 *
 * <p>Blocking reads and writes of a channel park a virtual thread on JDK 25, also for unix sockets:
 * the channel registers with the scheduler's poller and holds no carrier.
 *
 * <p>One thread reads. Writes take a lock, so that a second thread may write while the first reads.
 * Any thread may close. All arrays are on the heap; the one copy between kernel and array goes
 * through the JDK's own direct buffer, of which there is one a carrier and not one a connection.
 */
final class GuestConnection implements AutoCloseable {
    private static final int READ_BUFFER = 4 << 10;
    private static final int KEPT_WRITE_BUFFER = 4 << 10;
    private static final long NO_DEADLINE = 0;

    private final SocketChannel channel;
    private final Object writeLock = new Object();

    // Of the reading thread.
    private ByteBuffer in = ByteBuffer.allocate(0);
    private int kind;
    private int remaining;
    private boolean greeted;

    // Guarded by writeLock.
    private ByteBuffer out = ByteBuffer.allocate(0);

    /** System.nanoTime of the deadline, {@link #NO_DEADLINE} for none. */
    private volatile long deadline = NO_DEADLINE;

    private volatile boolean late;

    GuestConnection(SocketChannel channel) {
        this.channel = channel;
    }

    // --- deadline -----------------------------------------------------------------------------

    /** The connection is closed when this passes, unless it is set again or cleared before. */
    void deadline(Duration fromNow) {
        long at = System.nanoTime() + fromNow.toNanos();
        deadline = at == NO_DEADLINE ? 1 : at;
    }

    void noDeadline() {
        deadline = NO_DEADLINE;
    }

    void closeIfLate(long now) {
        long at = deadline;
        if (at != NO_DEADLINE && now - at > 0) {
            late = true;
            close();
        }
    }

    /** Whether the connection was closed because its deadline passed. */
    boolean isLate() {
        return late;
    }

    // --- writing ------------------------------------------------------------------------------

    /** Sends a request in one write. */
    void send(Request request) throws IOException {
        synchronized (writeLock) {
            encode(request, 0);
            writeAll(out);
            relax();
        }
    }

    /**
     * Sends a request, a whole main stream and its end in one write.
     *
     * @param frame has {@link Frame#HEADER} bytes of room before {@code length} bytes of payload
     */
    void sendWhole(Request request, byte[] frame, int length) throws IOException {
        synchronized (writeLock) {
            int tail = length == 0 ? 0 : Frame.HEADER;
            encode(request, Frame.HEADER);
            byte[] array = out.array();
            Frame.putHeader(array, out.limit() - Frame.HEADER, Frame.END, 0);
            ByteBuffer head = out.duplicate().limit(out.limit() - Frame.HEADER);
            ByteBuffer end = out.duplicate().position(out.limit() - Frame.HEADER);
            Frame.putHeader(frame, 0, Frame.DATA, length);
            writeAll(new ByteBuffer[] {head, ByteBuffer.wrap(frame, 0, tail + length), end});
            relax();
        }
    }

    /** Sends a DATA frame. @param frame as for {@link #sendWhole} */
    void sendFrame(byte[] frame, int length) throws IOException {
        synchronized (writeLock) {
            Frame.putHeader(frame, 0, Frame.DATA, length);
            writeAll(ByteBuffer.wrap(frame, 0, Frame.HEADER + length));
        }
    }

    /** Sends bytes as DATA frames, header and payload in one gathering write. */
    void sendData(byte[] bytes, int offset, int length) throws IOException {
        synchronized (writeLock) {
            byte[] header = new byte[Frame.HEADER];
            int end = offset + length;
            for (int at = offset; at < end; ) {
                int n = Math.min(end - at, Frame.MAX_DATA);
                Frame.putHeader(header, 0, Frame.DATA, n);
                writeAll(new ByteBuffer[] {ByteBuffer.wrap(header), ByteBuffer.wrap(bytes, at, n)});
                at += n;
            }
        }
    }

    /** Announces a piece of the window. @param offset of it in the window */
    void sendFilled(int offset, int length) throws IOException {
        synchronized (writeLock) {
            byte[] frame = new byte[Frame.HEADER + 2 * Integer.BYTES];
            Frame.putHeader(frame, 0, Frame.FILLED, 2 * Integer.BYTES);
            writeAll(ByteBuffer.wrap(frame).putInt(Frame.HEADER, offset).putInt(Frame.HEADER + Integer.BYTES, length));
        }
    }

    void sendEnd() throws IOException {
        synchronized (writeLock) {
            byte[] header = new byte[Frame.HEADER];
            Frame.putHeader(header, 0, Frame.END, 0);
            writeAll(ByteBuffer.wrap(header));
        }
    }

    /** Leaves a MSG frame in {@code out}, from 0 to its limit, with room after it. */
    private void encode(MessageLite message, int room) throws IOException {
        int length = message.getSerializedSize();
        if (length > Frame.MAX_MSG_TO_GUEST) {
            throw new IOException("a request of " + length + " bytes, at most " + Frame.MAX_MSG_TO_GUEST
                    + " are allowed");
        }
        int whole = Frame.HEADER + length + room;
        if (out.capacity() < whole) {
            out = ByteBuffer.allocate(Math.max(whole, 256));
        }
        Frame.putHeader(out.array(), 0, Frame.MSG, length);
        CodedOutputStream coded = CodedOutputStream.newInstance(out.array(), Frame.HEADER, length);
        message.writeTo(coded);
        coded.checkNoSpaceLeft();
        out.position(0).limit(whole);
    }

    private void relax() {
        if (out.capacity() > KEPT_WRITE_BUFFER) {
            out = ByteBuffer.allocate(0);
        }
    }

    private void writeAll(ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    private void writeAll(ByteBuffer[] buffers) throws IOException {
        ByteBuffer last = buffers[buffers.length - 1];
        while (last.hasRemaining()) {
            channel.write(buffers);
        }
    }

    // --- reading ------------------------------------------------------------------------------

    /** Reads the hello unless it was read; the first thing on every connection. */
    Hello greet() throws IOException {
        if (nextFrame(Frame.MAX_HELLO) != Frame.MSG) {
            throw new ProtocolException("the guest began with a frame that is no hello");
        }
        Hello hello = message(Hello.parser());
        greeted = true;
        return hello;
    }

    boolean isGreeted() {
        return greeted;
    }

    /** Waits for the next frame and returns its kind; its payload must be read before the next call. */
    int nextFrame() throws IOException {
        return nextFrame(Frame.MAX_MSG_FROM_GUEST);
    }

    private int nextFrame(int maxMessage) throws IOException {
        if (remaining != 0) {
            throw new IllegalStateException(remaining + " bytes of the last frame were not read");
        }
        need(Frame.HEADER);
        int length = in.getInt();
        kind = in.get();
        int bound = Frame.bound(kind, maxMessage);
        if (length < 0 || length > bound) {
            throw new ProtocolException("the guest sent a frame of kind " + kind + " and "
                    + Integer.toUnsignedString(length) + " bytes");
        }
        remaining = length;
        return kind;
    }

    /** Bytes of the frame's payload that were not read yet. */
    int remaining() {
        return remaining;
    }

    /** Reads a MSG frame. */
    Reply reply() throws IOException {
        nextFrame();
        return message();
    }

    /** The message in the MSG frame that {@link #nextFrame} found. */
    Reply message() throws IOException {
        if (kind != Frame.MSG) {
            throw new ProtocolException("the guest sent a frame of kind " + kind + " where a reply belongs");
        }
        return message(Reply.parser());
    }

    private <M extends MessageLite> M message(com.google.protobuf.Parser<M> parser) throws IOException {
        int length = remaining;
        if (length <= READ_BUFFER) {
            need(length);
            M message = parser.parseFrom(in.array(), in.position(), length);
            in.position(in.position() + length);
            remaining = 0;
            return message;
        }
        return parser.parseFrom(CodedInputStream.newInstance(large(length)));
    }

    /** Reads a large payload, allocating only as much again as has arrived. */
    private byte[] large(int length) throws IOException {
        byte[] bytes = new byte[Math.min(length, 64 << 10)];
        int have = 0;
        while (remaining > 0) {
            if (have == bytes.length) {
                bytes = Arrays.copyOf(bytes, Math.min(length, 2 * bytes.length));
            }
            have += read(bytes, have, bytes.length - have);
        }
        return bytes;
    }

    /**
     * Reads payload of the current frame, at least one byte; only while {@link #remaining} is not 0.
     * What is not buffered goes straight into the array.
     */
    int read(byte[] bytes, int offset, int length) throws IOException {
        int want = Math.min(length, remaining);
        int got;
        if (in.hasRemaining()) {
            got = Math.min(want, in.remaining());
            in.get(bytes, offset, got);
        } else {
            got = channel.read(ByteBuffer.wrap(bytes, offset, want));
            if (got < 0) {
                throw new EOFException("the guest closed the connection inside a frame");
            }
        }
        remaining -= got;
        return got;
    }

    /** The whole payload of the current DATA or ERR frame. */
    byte[] payload() throws IOException {
        byte[] bytes = new byte[remaining];
        int have = 0;
        while (remaining > 0) {
            have += read(bytes, have, bytes.length - have);
        }
        return bytes;
    }

    /** Throws away the rest of the frame. */
    void skip() throws IOException {
        byte[] sink = new byte[Math.min(remaining, 16 << 10)];
        while (remaining > 0) {
            int unused = read(sink, 0, sink.length);
        }
    }

    /** Whether nothing was received that nobody has read. */
    boolean isClean() {
        return remaining == 0 && !in.hasRemaining();
    }

    /** Sees to it that this many bytes are buffered, at most {@link #READ_BUFFER}. */
    private void need(int bytes) throws IOException {
        if (in.remaining() >= bytes) {
            return;
        }
        if (in.capacity() == 0) {
            in = ByteBuffer.allocate(READ_BUFFER);
        } else {
            in.compact();
        }
        while (in.position() < bytes) {
            if (channel.read(in) < 0) {
                in.flip();
                throw new EOFException("the guest closed the connection");
            }
        }
        in.flip();
    }

    /** Wakes every thread that waits on the connection. Idempotent. */
    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            // Nothing is buffered: there is nothing to lose, and the descriptor is gone in any case.
        }
    }
}
