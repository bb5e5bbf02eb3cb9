package dev.atoll.warden;

import dev.atoll.warden.proto.Request;
import dev.atoll.warden.proto.Response;
import java.io.IOException;
import java.net.SocketException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The connections to one warden: at most {@value #MAX_OPEN} calls at a time, idle ones kept. Safe
 * from any thread. A deadline closes the connection, which is the only way to wake a blocked read.
 */
final class Connections implements AutoCloseable {
    private static final int MAX_OPEN = 32;
    private static final int MAX_IDLE = 8;
    private static final Duration FIRST_PAUSE = Duration.ofMillis(5);
    private static final Duration LONGEST_PAUSE = Duration.ofMillis(200);

    private final Path socket;
    private final Duration connectTimeout;
    private final Semaphore permits = new Semaphore(MAX_OPEN, true);
    private final ScheduledThreadPoolExecutor deadlines;

    // Guarded by this.
    private final ArrayDeque<Connection> idle = new ArrayDeque<>();
    private final Set<Connection> open = new HashSet<>();
    private boolean closed;

    Connections(Path socket, Duration connectTimeout) {
        this.socket = socket;
        this.connectTimeout = connectTimeout;
        deadlines = new ScheduledThreadPoolExecutor(
                1, Thread.ofPlatform().daemon().name("warden-deadlines").factory());
        deadlines.setRemoveOnCancelPolicy(true);
    }

    /** The connection broke before the answer, so that it is unknown whether the work was done. */
    static final class Lost extends IOException {
        private static final long serialVersionUID = 1;

        Lost(IOException cause) {
            super(cause.getMessage(), cause);
        }
    }

    /** There was no answer in time. */
    static final class Late extends IOException {
        private static final long serialVersionUID = 1;

        Late(Duration deadline, IOException cause) {
            super("no answer within " + deadline.toMillis() + " ms", cause);
        }
    }

    /**
     * One request and its answer.
     *
     * @throws Lost when the connection broke; all idle ones are dropped with it
     * @throws Late when the deadline passed
     * @throws IOException when no connection could be made
     */
    Response exchange(Request request, Duration deadline) throws IOException, InterruptedException {
        permits.acquire();
        try {
            Connection connection = take();
            AtomicBoolean late = new AtomicBoolean();
            ScheduledFuture<?> alarm = deadlines.schedule(
                    () -> {
                        late.set(true);
                        connection.close();
                    },
                    deadline.toNanos(),
                    TimeUnit.NANOSECONDS);
            boolean whole = false;
            try {
                connection.send(request);
                Response response = Response.parseFrom(connection.receive());
                whole = true;
                return response;
            } catch (IOException e) {
                if (late.get()) {
                    throw new Late(deadline, e);
                }
                throw new Lost(e);
            } finally {
                boolean inTime = alarm.cancel(false);
                giveBack(connection, whole && inTime);
            }
        } finally {
            permits.release();
        }
    }

    /** What is sent or received on a connection. */
    interface Transfer<T> {
        T run() throws IOException;
    }

    /**
     * For a connection of the caller's own.
     *
     * @throws Late when it took longer; the connection is closed then
     */
    <T> T within(Connection connection, Duration limit, Transfer<T> transfer) throws IOException {
        AtomicBoolean late = new AtomicBoolean();
        ScheduledFuture<?> alarm = deadlines.schedule(
                () -> {
                    late.set(true);
                    connection.close();
                },
                limit.toNanos(),
                TimeUnit.NANOSECONDS);
        try {
            return transfer.run();
        } catch (IOException e) {
            throw late.get() ? new Late(limit, e) : e;
        } finally {
            alarm.cancel(false);
        }
    }

    /** A connection outside the pool and its bounds, for a subscription or an image. The caller closes it. */
    Connection connect() throws IOException, InterruptedException {
        long end = System.nanoTime() + connectTimeout.toNanos();
        Duration pause = FIRST_PAUSE;
        while (true) {
            try {
                Connection made = Connection.open(socket);
                register(made);
                return made;
            } catch (SocketException e) {
                // What a warden that is being restarted looks like: no socket file, or nobody behind it.
                if (System.nanoTime() >= end || Thread.currentThread().isInterrupted() || isClosed()) {
                    throw e;
                }
            }
            Thread.sleep(pause);
            pause = pause.multipliedBy(2).compareTo(LONGEST_PAUSE) < 0 ? pause.multipliedBy(2) : LONGEST_PAUSE;
        }
    }

    private synchronized void register(Connection connection) throws IOException {
        if (closed) {
            connection.close();
            throw new IOException("the client is closed");
        }
        open.add(connection);
    }

    private Connection take() throws IOException, InterruptedException {
        synchronized (this) {
            if (closed) {
                throw new IOException("the client is closed");
            }
            Connection kept = idle.pollFirst();
            if (kept != null) {
                return kept;
            }
        }
        return connect();
    }

    private void giveBack(Connection connection, boolean usable) {
        synchronized (this) {
            if (usable && !closed && idle.size() < MAX_IDLE) {
                idle.addFirst(connection);
                return;
            }
            if (!usable) {
                // One that broke says that the warden went away, and the others with it.
                idle.forEach(this::drop);
                idle.clear();
            }
        }
        drop(connection);
    }

    /** Closes a connection and forgets it. */
    synchronized void drop(Connection connection) {
        open.remove(connection);
        connection.close();
    }

    synchronized boolean isClosed() {
        return closed;
    }

    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            open.forEach(Connection::close);
            open.clear();
            idle.clear();
        }
        deadlines.shutdownNow();
    }
}
