package dev.atoll.guest;

import dev.atoll.guest.proto.Reply;
import dev.atoll.guest.proto.Reply.ResultCase;
import dev.atoll.guest.proto.Request;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * Sends a stream to the guest: a request, DATA frames, END, and takes the reply. One use, one thread.
 *
 * <p>What fits one frame leaves in one write together with its request. More of a file goes through a
 * {@link Window} where there is one. Else a second thread
 * waits for the reply while this one sends: a guest that gives up early (disk full) may stop reading,
 * and then only the closing of the connection wakes the sender.
 */
final class Upload {
    private final SocketEndpoint endpoint;
    private final Request request;
    private final ResultCase expected;

    Upload(SocketEndpoint endpoint, Request request, ResultCase expected) {
        this.endpoint = endpoint;
        this.request = request;
        this.expected = expected;
    }

    /**
     * @throws UncheckedIOException when the source fails; the guest then keeps nothing
     * @throws dev.atoll.domain.GuestException
     */
    Reply run(InputStream source) {
        byte[] frame = endpoint.buffers().take();
        try {
            int first = fill(source, frame);
            if (first < Frame.MAX_DATA) {
                return whole(frame, first);
            }
            return throughWindow(source, frame).orElseGet(() -> inFrames(source, frame));
        } finally {
            endpoint.buffers().giveBack(frame);
        }
    }

    /** Of more than a frame; empty when there is no window to be had. */
    private Optional<Reply> throughWindow(InputStream source, byte[] frame) {
        if (!request.hasWrite()) {
            return Optional.empty();
        }
        return endpoint.withWindow(window -> WindowUpload.run(
                endpoint, window, request, expected, ByteBuffer.wrap(frame, Frame.HEADER, Frame.MAX_DATA), source));
    }

    private Reply inFrames(InputStream source, byte[] frame) {
        return new Stream(endpoint.begin(request, endpoint.timeouts().work())).run(source, frame, Frame.MAX_DATA);
    }

    /** Fills the payload of a frame; less than a full one only at the end of the source. */
    private static int fill(InputStream source, byte[] frame) {
        try {
            return source.readNBytes(frame, Frame.HEADER, Frame.MAX_DATA);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Reply whole(byte[] frame, int length) {
        GuestConnection connection = endpoint.begin(
                c -> c.sendWhole(request, frame, length), endpoint.timeouts().work());
        Reply reply;
        try {
            reply = connection.reply();
            Decode.expect(reply, expected);
        } catch (IOException e) {
            throw endpoint.fail(connection, e);
        }
        endpoint.release(connection);
        Decode.throwIfError(reply);
        return reply;
    }

    /** How far the sending of an upload got. */
    private enum Phase {
        DATA,
        /** END is on its way: from here on a reply is no surprise. */
        END,
        DONE
    }

    /** An upload of more than one frame. */
    private final class Stream {
        private final GuestConnection connection;
        private final CountDownLatch answered = new CountDownLatch(1);

        // Guarded by this.
        private Phase phase = Phase.DATA;
        private @Nullable Reply reply;
        private @Nullable IOException failure;

        Stream(GuestConnection connection) {
            this.connection = connection;
        }

        Reply run(InputStream source, byte[] frame, int first) {
            Thread.ofVirtual().name("guest-upload").start(this::awaitReply);
            boolean whole = false;
            try {
                send(source, frame, first);
                whole = true;
            } catch (IOException e) {
                // Whoever closed the connection, the waiting thread learns why: from the guest's last
                // reply, which may lie unread in the socket, or from the closing itself.
                awaitAnswer();
            } finally {
                if (!whole) {
                    endpoint.discard(connection);
                }
            }
            awaitAnswer();
            return outcome(whole);
        }

        private void send(InputStream source, byte[] frame, int first) throws IOException {
            int length = first;
            while (length > 0) {
                connection.deadline(endpoint.timeouts().progress());
                connection.sendFrame(frame, length);
                // A source that is slow is not the guest's fault.
                connection.noDeadline();
                length = length < Frame.MAX_DATA ? 0 : fill(source, frame);
                if (phase() != Phase.DATA) {
                    throw new IOException("the guest replied before the end");
                }
            }
            setPhase(Phase.END);
            connection.deadline(endpoint.timeouts().work());
            connection.sendEnd();
            setPhase(Phase.DONE);
        }

        private synchronized Phase phase() {
            return phase;
        }

        private synchronized void setPhase(Phase value) {
            phase = value;
        }

        private void awaitReply() {
            @Nullable Reply got = null;
            @Nullable IOException broke = null;
            try {
                got = connection.reply();
                Decode.expect(got, expected);
            } catch (IOException e) {
                broke = e;
            }
            synchronized (this) {
                if (broke == null && phase == Phase.DATA && got != null && !got.hasError()) {
                    broke = new ProtocolException("the guest said that all is done before it had all");
                }
                reply = broke == null ? got : null;
                failure = broke;
                if (phase == Phase.DATA || (phase == Phase.END && (got == null || got.hasError()))) {
                    // The sender may be blocked on a guest that reads no more.
                    phase = Phase.DONE;
                    connection.close();
                }
            }
            answered.countDown();
        }

        private void awaitAnswer() {
            try {
                answered.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw endpoint.fail(connection, new IOException("interrupted", e));
            }
        }

        private Reply outcome(boolean reusable) {
            synchronized (this) {
                if (reply == null) {
                    throw endpoint.fail(connection, failure == null ? new IOException("no reply") : failure);
                }
                if (reusable && !reply.hasError()) {
                    endpoint.release(connection);
                } else {
                    endpoint.discard(connection);
                }
                Decode.throwIfError(reply);
                return reply;
            }
        }
    }
}
