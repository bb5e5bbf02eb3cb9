package dev.atoll.app.bench;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The peer of transfers: the least that can receive bytes over TCP. A thread reads them, writes them
 * into a file or nowhere, and says with one byte that it has them all. Like Atoll's guest it does not
 * wait for the disk.
 */
final class TcpPeer implements AutoCloseable {
    private final ServerSocketChannel listening;
    private final Path file;

    private TcpPeer(ServerSocketChannel listening, Path file) {
        this.listening = listening;
        this.file = file;
    }

    /** @param directory where it may make a file */
    static TcpPeer in(Path directory) {
        try {
            var listening = ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            return new TcpPeer(listening, directory.resolve("bench-peer"));
        } catch (IOException e) {
            throw new UncheckedIOException("the peer cannot listen", e);
        }
    }

    /** To a file that is made for it. @return nanoseconds from connecting to the receiver's word */
    long toFile(ByteBuffer content, long length) throws InterruptedException {
        try {
            Files.deleteIfExists(file);
            try (var out = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                return transfer(content, length, out);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the peer failed", e);
        }
    }

    /** To nobody: what the machine's loopback carries. @return nanoseconds, likewise */
    long toNowhere(ByteBuffer content, long length) throws InterruptedException {
        try (var out = new Nowhere()) {
            return transfer(content, length, out);
        }
    }

    private long transfer(ByteBuffer content, long length, WritableByteChannel out) throws InterruptedException {
        Thread receiver = Thread.ofPlatform().name("peer").start(() -> receive(length, out));
        try {
            long start = System.nanoTime();
            try (var sender = SocketChannel.open(listening.getLocalAddress())) {
                Repeated.write(content, length, sender);
                if (sender.read(ByteBuffer.allocate(1)) != 1) {
                    throw new EOFException("the receiver ended early");
                }
            }
            return System.nanoTime() - start;
        } catch (IOException e) {
            throw new UncheckedIOException("the peer failed", e);
        } finally {
            receiver.join();
        }
    }

    private void receive(long length, WritableByteChannel out) {
        var buffer = ByteBuffer.allocateDirect(HttpConnection.BUFFER_BYTES);
        try (var channel = listening.accept()) {
            for (long left = length; left > 0; ) {
                int read = channel.read(buffer.clear());
                if (read < 0) {
                    throw new EOFException("the sender ended early");
                }
                left -= read;
                buffer.flip();
                while (buffer.hasRemaining()) {
                    out.write(buffer);
                }
            }
            channel.write(ByteBuffer.allocate(1));
        } catch (IOException e) {
            throw new UncheckedIOException("the peer failed", e);
        }
    }

    /** Takes everything. */
    private static final class Nowhere implements WritableByteChannel {
        @Override
        public int write(ByteBuffer bytes) {
            int count = bytes.remaining();
            bytes.position(bytes.limit());
            return count;
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {
            // Nothing is held.
        }
    }

    @Override
    public void close() {
        try {
            listening.close();
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException("the peer does not end", e);
        }
    }
}
