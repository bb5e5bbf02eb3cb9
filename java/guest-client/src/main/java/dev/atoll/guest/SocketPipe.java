package dev.atoll.guest;

import dev.atoll.domain.Ports;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Objects;

/** A byte pipe to a port inside, which has its connection to itself until it is closed. */
final class SocketPipe implements Ports.Pipe {
    private final SocketEndpoint endpoint;
    private final GuestConnection connection;
    private final InputStream input = new Input();
    private final OutputStream output = new Output();

    SocketPipe(SocketEndpoint endpoint, GuestConnection connection) {
        this.endpoint = endpoint;
        this.connection = connection;
    }

    @Override
    public InputStream input() {
        return input;
    }

    @Override
    public OutputStream output() {
        return output;
    }

    @Override
    public void closeOutput() {
        try {
            connection.sendEnd();
        } catch (IOException e) {
            throw endpoint.fail(connection, e);
        }
    }

    @Override
    public void close() {
        endpoint.discard(connection);
    }

    /** Bytes from the port. Read by one thread. */
    private final class Input extends InputStream {
        private boolean ended;

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            Objects.checkFromIndexSize(offset, length, bytes.length);
            if (length == 0) {
                return 0;
            }
            while (connection.remaining() == 0) {
                if (ended) {
                    return -1;
                }
                switch (connection.nextFrame()) {
                    case Frame.DATA -> {}
                    case Frame.END -> ended = true;
                    default -> {
                        endpoint.discard(connection);
                        throw new ProtocolException("the guest sent something else than bytes through a pipe");
                    }
                }
            }
            return connection.read(bytes, offset, length);
        }

        @Override
        public void close() {
            SocketPipe.this.close();
        }
    }

    /** Bytes to the port. Written by one thread. */
    private final class Output extends OutputStream {
        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            Objects.checkFromIndexSize(offset, length, bytes.length);
            connection.sendData(bytes, offset, length);
        }

        @Override
        public void close() {
            closeOutput();
        }
    }
}
