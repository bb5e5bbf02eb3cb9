package dev.atoll.guest;

import dev.atoll.guest.proto.Error;
import dev.atoll.guest.proto.Reply;
import dev.atoll.guest.proto.Reply.ResultCase;
import dev.atoll.guest.proto.Request;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.util.Optional;

/**
 * Sends a stream to the guest through a {@link Window}. One use, one thread: what goes over the socket
 * is so little that sending never waits for a guest that reads no more, so this thread takes the
 * replies too.
 */
final class WindowUpload {
    private final SocketEndpoint endpoint;
    private final Window window;
    private final GuestConnection connection;
    private final ResultCase expected;
    private int announced;
    private int taken;

    private WindowUpload(SocketEndpoint endpoint, Window window, GuestConnection connection, ResultCase expected) {
        this.endpoint = endpoint;
        this.window = window;
        this.connection = connection;
        this.expected = expected;
    }

    /**
     * @param request a write without a window
     * @param head the first bytes of the content, at most a piece
     * @param rest what follows
     * @return empty when the guest cannot map the window; then nothing of the rest was read
     * @throws UncheckedIOException when the source fails; the guest then keeps nothing
     * @throws dev.atoll.domain.GuestException
     */
    static Optional<Reply> run(
            SocketEndpoint endpoint, Window window, Request request, ResultCase expected, ByteBuffer head,
            InputStream rest) {
        Request.Builder windowed = request.toBuilder();
        windowed.getWriteBuilder().setWindow(Window.BYTES);
        GuestConnection connection = endpoint.begin(windowed.build(), endpoint.timeouts().reply());
        boolean done = false;
        try {
            Reply ready = connection.reply();
            Decode.expect(ready, ResultCase.OK);
            if (ready.hasError()) {
                endpoint.release(connection);
                done = true;
                if (isRefused(ready.getError())) {
                    return Optional.empty();
                }
                throw Decode.error(ready.getError());
            }
            window.hide();
            Reply reply = new WindowUpload(endpoint, window, connection, expected).send(head, rest);
            // After an error the guest may still have to read what was announced before it.
            done = !reply.hasError();
            if (done) {
                endpoint.release(connection);
            }
            Decode.throwIfError(reply);
            return Optional.of(reply);
        } catch (IOException e) {
            throw endpoint.fail(connection, e);
        } finally {
            if (!done) {
                endpoint.discard(connection);
            }
        }
    }

    private static boolean isRefused(Error error) {
        return error.getCode() == Error.Code.UNSUPPORTED && error.getField().equals("window");
    }

    /** @return the guest's last reply, an error also when it came early */
    private Reply send(ByteBuffer head, InputStream rest) throws IOException {
        ReadableByteChannel source =
                rest instanceof ReadableByteChannel direct ? direct : Channels.newChannel(rest);
        ByteBuffer piece = window.piece(0).put(head);
        boolean more = true;
        while (more) {
            more = fill(piece, source);
            if (piece.position() > 0) {
                connection.deadline(endpoint.timeouts().progress());
                connection.sendFilled(announced % Window.PIECES * Window.PIECE_BYTES, piece.position());
                announced++;
            }
            while (announced - taken >= Window.PIECES) {
                Optional<Reply> last = receive();
                if (last.isPresent()) {
                    return early(last.get());
                }
            }
            // A source that is slow is not the guest's fault.
            connection.noDeadline();
            piece = window.piece(announced % Window.PIECES);
        }
        connection.deadline(endpoint.timeouts().work());
        connection.sendEnd();
        for (Optional<Reply> last = receive(); ; last = receive()) {
            if (last.isPresent()) {
                Decode.expect(last.get(), expected);
                return last.get();
            }
        }
    }

    /** Fills a piece. @return whether there may be more */
    private static boolean fill(ByteBuffer piece, ReadableByteChannel source) {
        try {
            while (piece.hasRemaining()) {
                if (source.read(piece) < 0) {
                    return false;
                }
            }
            return true;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits for one frame: a piece that was taken, or the reply that ends the operation. */
    private Optional<Reply> receive() throws IOException {
        if (connection.nextFrame() != Frame.TAKEN) {
            return Optional.of(connection.message());
        }
        if (++taken > announced) {
            throw new ProtocolException("the guest took more pieces than there were");
        }
        return Optional.empty();
    }

    private static Reply early(Reply reply) throws ProtocolException {
        if (!reply.hasError()) {
            throw new ProtocolException("the guest said that all is done before it had all");
        }
        return reply;
    }
}
