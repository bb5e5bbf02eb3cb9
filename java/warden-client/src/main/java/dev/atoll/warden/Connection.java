package dev.atoll.warden;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.MessageLite;
import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;

/** One connection to the warden: MSG frames out and in. One thread at a time; close from any. */
final class Connection implements AutoCloseable {
    private static final int HEADER = 5;
    private static final byte MSG = 0;

    /** Largest message each way, bytes (top of warden.proto). */
    private static final int MAX_MESSAGE = 4 << 20;

    private static final int FIRST_BUFFER = 4 << 10;

    private final SocketChannel channel;
    private ByteBuffer buffer = ByteBuffer.allocate(FIRST_BUFFER);

    private Connection(SocketChannel channel) {
        this.channel = channel;
    }

    static Connection open(Path socket) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.connect(UnixDomainSocketAddress.of(socket));
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
        return new Connection(channel);
    }

    void send(MessageLite message) throws IOException {
        int length = message.getSerializedSize();
        if (length > MAX_MESSAGE) {
            throw new IOException("a request of " + length + " bytes, at most " + MAX_MESSAGE + " are allowed");
        }
        ensure(HEADER + length);
        buffer.clear().putInt(length).put(MSG);
        CodedOutputStream out = CodedOutputStream.newInstance(buffer.array(), HEADER, length);
        message.writeTo(out);
        out.checkNoSpaceLeft();
        buffer.position(0).limit(HEADER + length);
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    /** Reads the next message; its bytes stay valid until the next call. */
    ByteBuffer receive() throws IOException {
        buffer.clear().limit(HEADER);
        fill();
        int length = buffer.getInt(0);
        if (buffer.get(4) != MSG || length < 0 || length > MAX_MESSAGE) {
            throw new IOException("the warden sent a frame of kind " + buffer.get(4) + " and "
                    + Integer.toUnsignedString(length) + " bytes");
        }
        ensure(length);
        buffer.clear().limit(length);
        fill();
        return buffer.flip();
    }

    private void fill() throws IOException {
        while (buffer.hasRemaining()) {
            if (channel.read(buffer) < 0) {
                throw new EOFException("the warden closed the connection");
            }
        }
    }

    private void ensure(int capacity) {
        if (buffer.capacity() < capacity) {
            buffer = ByteBuffer.allocate(Math.max(capacity, 2 * buffer.capacity()));
        }
    }

    /** Wakes a thread that waits in {@link #send} or {@link #receive} with an IOException. */
    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            // Nothing is buffered: there is nothing to lose, and the descriptor is gone in any case.
        }
    }
}
