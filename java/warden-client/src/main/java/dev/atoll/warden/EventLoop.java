package dev.atoll.warden;

import dev.atoll.warden.proto.Event;
import dev.atoll.warden.proto.Request;
import dev.atoll.warden.proto.Response;
import dev.atoll.warden.proto.Subscribe;
import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A subscription that outlives the warden: one virtual thread reads events and hands them on, and
 * subscribes again when the connection breaks.
 */
final class EventLoop implements Warden.Subscription {
    private static final Logger LOG = LoggerFactory.getLogger(EventLoop.class);

    /** Before subscribing again, so that a warden that fails at once is not asked in a busy loop. */
    private static final Duration PAUSE = Duration.ofMillis(100);

    private static final Request SUBSCRIBE =
            Request.newBuilder().setSubscribe(Subscribe.getDefaultInstance()).build();

    private final Connections connections;
    private final WardenListener listener;
    private final Thread thread;

    // Guarded by this.
    private @Nullable Connection current;
    private boolean closed;

    EventLoop(Connections connections, WardenListener listener) {
        this.connections = connections;
        this.listener = listener;
        thread = Thread.ofVirtual().name("warden-events").unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    private void run() {
        while (!isClosed()) {
            try {
                Connection connection = connections.connect();
                try {
                    if (adopt(connection)) {
                        follow(connection);
                    }
                } finally {
                    connections.drop(connection);
                }
            } catch (IOException e) {
                if (!isClosed()) {
                    LOG.warn("lost the warden's events, subscribing again: {}", e.getMessage());
                    if (!rest()) {
                        return;
                    }
                }
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private void follow(Connection connection) throws IOException {
        connection.send(SUBSCRIBE);
        Response answer = Response.parseFrom(connection.receive());
        if (!answer.hasDone()) {
            throw new IOException("subscribe was answered by " + answer.getResultCase() + " "
                    + answer.getFailure().getMessage());
        }
        notifyListener(listener::resynchronise);
        while (true) {
            Event event = Event.parseFrom(connection.receive());
            Wire.event(event).ifPresent(e -> notifyListener(() -> listener.onEvent(e)));
        }
    }

    private static void notifyListener(Runnable call) {
        try {
            call.run();
        } catch (RuntimeException e) {
            // One event that the listener cannot take must not end the delivery of the others.
            LOG.error("the listener of the warden's events failed", e);
        }
    }

    private boolean rest() {
        try {
            Thread.sleep(PAUSE);
            return true;
        } catch (InterruptedException e) {
            return false;
        }
    }

    private synchronized boolean adopt(Connection connection) {
        current = connection;
        return !closed;
    }

    private synchronized boolean isClosed() {
        return closed || connections.isClosed();
    }

    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            if (current != null) {
                current.close();
            }
        }
        if (Thread.currentThread() != thread) {
            thread.interrupt();
        }
    }
}
