package dev.atoll.http;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.eclipse.jetty.http.HttpVersion;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.util.Callback;

/**
 * Learns that a client is gone while its response is under way.
 *
 * <p>HTTP/2 tells by itself (RST_STREAM, GOAWAY, end of the connection reach the request's failure
 * listeners). HTTP/1.1 tells only who reads, and Jetty does not read a connection while its request
 * is handled. So while a response of unknown length is streamed, or when a handler asks for it, the
 * connection is read here; what follows on it can only be its end, because the response says
 * {@code Connection: close}. A
 * client that half-closes after its request counts as gone.
 */
final class Disconnect {
    private final org.eclipse.jetty.server.Request request;
    private final List<Runnable> actions = new ArrayList<>();
    private boolean gone;
    private boolean over;
    /** Only the request's thread uses it. */
    private boolean watched;


    Disconnect(org.eclipse.jetty.server.Request request) {
        this.request = request;
    }

    /** Before the handler runs. */
    void listen() {
        request.addFailureListener(_ -> fire());
    }

    void onDisconnect(Runnable action) {
        synchronized (this) {
            if (!gone) {
                actions.add(action);
                return;
            }
        }
        action.run();
    }

    /**
     * Watches from now on, if that is needed and not done yet. An HTTP/1.1 connection cannot serve
     * another request afterwards. A body that was not read to its end keeps the connection's bytes
     * for the handler, so that its loss is seen by reading or writing only.
     */
    void watch() {
        if (watched || request.getConnectionMetaData().getHttpVersion() == HttpVersion.HTTP_2) {
            return;
        }
        watched = true;
        if (isBodyRead()) {
            awaitReadable();
        }
    }

    /** Whether the connection must be closed after this response. */
    boolean isWatched() {
        return watched;
    }

    private boolean isBodyRead() {
        Content.Chunk chunk = request.read();
        if (chunk == null) {
            return false;
        }
        boolean last = chunk.isLast() && !chunk.hasRemaining() && !Content.Chunk.isFailure(chunk);
        chunk.release();
        return last;
    }

    private void awaitReadable() {
        EndPoint endPoint = request.getConnectionMetaData().getConnection().getEndPoint();
        endPoint.tryFillInterested(new Callback() {
            @Override
            public void succeeded() {
                readable(endPoint);
            }

            @Override
            public void failed(Throwable cause) {
                fire();
            }
        });
    }

    /** The response is complete; nothing is reported any more. */
    synchronized void end() {
        over = true;
        actions.clear();
    }

    private void readable(EndPoint endPoint) {
        ByteBuffer buffer = ByteBuffer.allocate(1024).flip();
        try {
            int filled = endPoint.fill(buffer);
            if (filled >= 0) {
                if (!isOver()) {
                    awaitReadable();
                }
                return;
            }
        } catch (IOException e) {
            // a reset is an end too
        }
        fire();
    }

    synchronized boolean isGone() {
        return gone;
    }

    private synchronized boolean isOver() {
        return over;
    }

    private void fire() {
        List<Runnable> now;
        synchronized (this) {
            if (gone || over) {
                return;
            }
            gone = true;
            now = List.copyOf(actions);
            actions.clear();
        }
        now.forEach(Runnable::run);
    }
}
