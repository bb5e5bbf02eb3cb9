package dev.atoll.http;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.eclipse.jetty.websocket.api.Callback;
import org.eclipse.jetty.websocket.api.Session;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Jetty calls the listener methods on its own threads, one message a demand; so the queue holds at
 * most one message and the end. Public because Jetty calls by reflection.
 */
public final class JettyWebSocket implements WebSocket, Session.Listener {
    private static final Logger LOG = LoggerFactory.getLogger(JettyWebSocket.class);
    private static final int MAX_REASON_BYTES = 123;
    /** How long a peer may take to answer a close. */
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

    private final String subprotocol;
    private final Consumer<JettyWebSocket> whenOpen;
    private final int maxMessageBytes;
    private final BlockingQueue<WebSocketMessage> received = new LinkedBlockingQueue<>();
    private final AtomicBoolean closing = new AtomicBoolean();
    private final AtomicBoolean demanded = new AtomicBoolean();
    private WebSocketMessage.@Nullable Closed end;
    private volatile @Nullable Session session;

    JettyWebSocket(String subprotocol, Consumer<JettyWebSocket> whenOpen, int maxMessageBytes) {
        this.subprotocol = subprotocol;
        this.whenOpen = whenOpen;
        this.maxMessageBytes = maxMessageBytes;
    }

    @Override
    public void onWebSocketOpen(Session opened) {
        opened.setMaxTextMessageSize(maxMessageBytes);
        opened.setMaxBinaryMessageSize(maxMessageBytes);
        opened.setMaxFrameSize(maxMessageBytes);
        session = opened;
        whenOpen.accept(this);
    }

    @Override
    public void onWebSocketText(String message) {
        arrived(new WebSocketMessage.Text(message));
    }

    @Override
    public void onWebSocketBinary(ByteBuffer payload, Callback callback) {
        byte[] bytes = new byte[payload.remaining()];
        payload.get(bytes);
        callback.succeed();
        arrived(new WebSocketMessage.Binary(bytes));
    }

    @Override
    public void onWebSocketClose(int statusCode, String reason, Callback callback) {
        closing.set(true);
        callback.succeed();
        received.add(new WebSocketMessage.Closed(statusCode, reason == null ? "" : reason));
    }

    @Override
    public void onWebSocketError(Throwable cause) {
        // The close that follows tells the receiver, and a pending send its sender.
        LOG.debug("socket failed", cause);
    }

    @Override
    public String subprotocol() {
        return subprotocol;
    }

    @Override
    public WebSocketMessage receive() throws InterruptedException {
        if (end != null) {
            return end;
        }
        WebSocketMessage message = received.poll();
        if (message == null) {
            demand();
            message = received.take();
        }
        if (message instanceof WebSocketMessage.Closed closed) {
            end = closed;
        }
        return message;
    }

    @Override
    public void sendText(String text) throws IOException {
        Sent sent = new Sent();
        open().sendText(text, sent);
        sent.await();
    }

    @Override
    public void sendBinary(byte[] bytes, int offset, int length) throws IOException {
        Sent sent = new Sent();
        open().sendBinary(ByteBuffer.wrap(bytes, offset, length), sent);
        sent.await();
    }

    @Override
    public void close(int code, String reason) {
        if (closing.compareAndSet(false, true)) {
            open().close(code, cut(reason), Callback.NOOP);
            open().setIdleTimeout(CLOSE_TIMEOUT);
            demand();
        }
    }

    /** Lets Jetty read one message more, unless it does already. */
    private void demand() {
        if (demanded.compareAndSet(false, true)) {
            open().demand();
        }
    }

    private void arrived(WebSocketMessage message) {
        demanded.set(false);
        if (closing.get()) {
            // Nobody reads any more, but the peer's close comes only after what it sent before.
            demand();
        } else {
            received.add(message);
        }
    }

    @Override
    public boolean isOpen() {
        return !closing.get() && open().isOpen();
    }

    /** Asks the peer for a sign of life, which restarts the idle timeout. */
    void ping() {
        if (isOpen()) {
            open().sendPing(ByteBuffer.allocate(0), Callback.NOOP);
        }
    }

    private Session open() {
        Session current = session;
        if (current == null) {
            throw new IllegalStateException("not open yet");
        }
        return current;
    }

    /** Cut at a character's boundary. */
    private static String cut(String reason) {
        String text = reason;
        while (text.getBytes(StandardCharsets.UTF_8).length > MAX_REASON_BYTES) {
            text = text.substring(0, text.offsetByCodePoints(text.length(), -1));
        }
        return text;
    }

    private static final class Sent implements Callback {
        private final CompletableFuture<Void> done = new CompletableFuture<>();

        @Override
        public void succeed() {
            done.complete(null);
        }

        @Override
        public void fail(Throwable cause) {
            done.completeExceptionally(cause);
        }

        void await() throws IOException {
            try {
                done.get();
            } catch (ExecutionException e) {
                throw new IOException("the WebSocket is closed", e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted", e);
            }
        }
    }
}
