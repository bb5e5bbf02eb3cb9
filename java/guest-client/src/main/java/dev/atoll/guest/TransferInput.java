package dev.atoll.guest;

import dev.atoll.guest.proto.Reply;
import dev.atoll.guest.proto.Reply.ResultCase;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Objects;

/**
 * What a guest sends: DATA frames, END, a last reply. Errors are domain exceptions, thrown from the
 * reading methods. One thread reads; close, also half-way and from another thread, abandons the
 * operation.
 *
 * <p>The deadline runs only inside a read: a caller that takes its time is not the guest's fault.
 */
final class TransferInput extends InputStream {
    private final SocketEndpoint endpoint;
    private final GuestConnection connection;
    private final ResultCase last;
    private boolean ended;

    /** @param last what the reply after END must be */
    TransferInput(SocketEndpoint endpoint, GuestConnection connection, ResultCase last) {
        this.endpoint = endpoint;
        this.connection = connection;
        this.last = last;
        connection.noDeadline();
    }

    @Override
    public int read() {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, bytes.length);
        if (length == 0) {
            return 0;
        }
        if (ended) {
            return -1;
        }
        connection.deadline(endpoint.timeouts().progress());
        try {
            while (connection.remaining() == 0) {
                switch (connection.nextFrame()) {
                    case Frame.DATA -> {}
                    case Frame.END -> {
                        finish(connection.reply());
                        return -1;
                    }
                    case Frame.MSG -> {
                        Reply reply = connection.message();
                        if (!reply.hasError()) {
                            throw new ProtocolException("the guest replied " + reply.getResultCase() + " between data");
                        }
                        finish(reply);
                    }
                    default -> throw new ProtocolException("the guest sent ERR between data");
                }
            }
            int n = connection.read(bytes, offset, length);
            connection.noDeadline();
            return n;
        } catch (IOException e) {
            ended = true;
            throw endpoint.fail(connection, e);
        }
    }

    private void finish(Reply reply) throws ProtocolException {
        Decode.expect(reply, last);
        ended = true;
        endpoint.release(connection);
        Decode.throwIfError(reply);
    }

    @Override
    public long transferTo(OutputStream out) throws IOException {
        byte[] buffer = endpoint.buffers().take();
        try {
            long total = 0;
            for (int n; (n = read(buffer, 0, buffer.length)) >= 0; total += n) {
                out.write(buffer, 0, n);
            }
            return total;
        } finally {
            endpoint.buffers().giveBack(buffer);
        }
    }

    @Override
    public void close() {
        if (!ended) {
            ended = true;
            endpoint.discard(connection);
        }
    }
}
