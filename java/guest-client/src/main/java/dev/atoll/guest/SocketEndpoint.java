package dev.atoll.guest;

import dev.atoll.domain.CapacityException;
import dev.atoll.domain.UnavailableException;
import dev.atoll.guest.proto.Hello;
import dev.atoll.guest.proto.Metrics;
import dev.atoll.guest.proto.MetricsReport;
import dev.atoll.guest.proto.Ping;
import dev.atoll.guest.proto.Quiesce;
import dev.atoll.guest.proto.Reply;
import dev.atoll.guest.proto.Reply.ResultCase;
import dev.atoll.guest.proto.Request;
import dev.atoll.guest.proto.Shutdown;
import java.io.IOException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One sandbox's socket and connections. An accepted connection is idle at once; its hello is read by
 * the first operation that takes it, so that no thread waits for one and a guest that says nothing
 * holds up only itself.
 */
final class SocketEndpoint implements GuestEndpoint {
    private static final Logger LOG = LoggerFactory.getLogger(SocketEndpoint.class);

    /** The protocol of guest.proto. */
    /** The versions that are spoken; an upgrade meets guests of the one before. See guest.proto. */
    private static final int OLDEST_PROTOCOL = 1;

    private static final int PROTOCOL = 2;

    /** Of one guest; what it dials beyond is closed. */
    static final int MAX_CONNECTIONS = 256;

    private static final Duration ACCEPT_PAUSE = Duration.ofMillis(50);

    private final Path directory;
    private final ServerSocketChannel server;
    private final GuestTimeouts timeouts;
    private final Watchdog watchdog;
    private final Buffers buffers;
    private final Consumer<SocketEndpoint> onClose;
    private final GuestProcesses processes;
    private final GuestFiles files;
    private final GuestPorts ports;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    // Guarded by lock. The warmest idle connection is the first.
    private final ArrayDeque<GuestConnection> idle = new ArrayDeque<>();
    private final Set<GuestConnection> open = new HashSet<>();
    private boolean closed;

    private volatile long generation;

    /** Whether the guest can map a window, as far as is known. */
    private volatile boolean windows;

    private volatile boolean windowRefused;

    /** Held by the operation that has this guest's window. */
    private final AtomicBoolean windowTaken = new AtomicBoolean();

    private final Semaphore windowsLeft;

    SocketEndpoint(
            Path directory,
            ServerSocketChannel server,
            GuestTimeouts timeouts,
            Watchdog watchdog,
            Buffers buffers,
            Semaphore windowsLeft,
            Consumer<SocketEndpoint> onClose) {
        this.directory = directory;
        this.server = server;
        this.timeouts = timeouts;
        this.watchdog = watchdog;
        this.buffers = buffers;
        this.windowsLeft = windowsLeft;
        this.onClose = onClose;
        processes = new SocketProcesses(this);
        files = new SocketFiles(this);
        ports = new SocketPorts(this);
    }

    void start() {
        Thread.ofVirtual().name("guest-accept").start(this::accept);
    }

    private void accept() {
        while (server.isOpen()) {
            try {
                add(server.accept());
            } catch (IOException e) {
                if (server.isOpen()) {
                    // Out of descriptors, most likely: the guest's connection stays in the backlog.
                    LOG.warn("cannot accept in {}: {}", directory, e.getMessage());
                    try {
                        Thread.sleep(ACCEPT_PAUSE);
                    } catch (InterruptedException interrupt) {
                        return;
                    }
                }
            }
        }
    }

    private void add(SocketChannel channel) {
        GuestConnection connection = new GuestConnection(channel);
        lock.lock();
        try {
            if (!closed && open.size() < MAX_CONNECTIONS) {
                open.add(connection);
                watchdog.watch(connection);
                idle.addLast(connection);
                changed.signal();
                return;
            }
        } finally {
            lock.unlock();
        }
        connection.close();
    }

    // --- connections, for the operations ------------------------------------------------------

    GuestTimeouts timeouts() {
        return timeouts;
    }

    Buffers buffers() {
        return buffers;
    }

    /**
     * Takes an idle connection, waiting for the guest to dial one.
     *
     * @throws CapacityException when all that a guest may have are in use
     */
    GuestConnection take(Duration timeout) {
        long nanos = timeout.toNanos();
        @Nullable IOException refused = null;
        while (true) {
            long before = System.nanoTime();
            GuestConnection connection = takeIdle(nanos, refused);
            if (connection.isGreeted()) {
                return connection;
            }
            nanos -= System.nanoTime() - before;
            try {
                connection.deadline(timeouts.connection());
                check(connection.greet());
                connection.noDeadline();
                return connection;
            } catch (IOException e) {
                discard(connection);
                refused = e;
            }
        }
    }

    private GuestConnection takeIdle(long nanos, @Nullable IOException refused) {
        lock.lock();
        try {
            while (true) {
                if (closed) {
                    throw gone(null);
                }
                GuestConnection connection = idle.pollFirst();
                if (connection != null) {
                    return connection;
                }
                if (nanos <= 0) {
                    throw noneIdle(refused);
                }
                nanos = changed.awaitNanos(nanos);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UnavailableException("interrupted while waiting for the sandbox", e);
        } finally {
            lock.unlock();
        }
    }

    private RuntimeException noneIdle(@Nullable IOException refused) {
        if (open.size() >= MAX_CONNECTIONS) {
            return new CapacityException(
                    CapacityException.What.CONNECTIONS,
                    "the sandbox has " + MAX_CONNECTIONS + " operations under way, the most it may have");
        }
        return refused == null
                ? new UnavailableException("the sandbox does not connect")
                : new UnavailableException("the sandbox does not connect: " + refused.getMessage(), refused);
    }

    private void check(Hello hello) throws IOException {
        if (hello.getProtocol() < OLDEST_PROTOCOL || hello.getProtocol() > PROTOCOL) {
            throw new ProtocolException("the guest speaks protocol " + Integer.toUnsignedString(hello.getProtocol())
                    + ", this engine speaks " + OLDEST_PROTOCOL + " to " + PROTOCOL);
        }
        // A connection that waited may have said its hello before the guest was configured.
        configured(Decode.count(hello.getGeneration()));
        windows = hello.getWindow() && !windowRefused;
    }

    /** An operation that uses a window. */
    interface Windowed<T> {
        /** @return empty when the guest cannot map it */
        Optional<T> in(Window window);
    }

    /**
     * Runs an operation with the guest's window; empty when it has none: the guest is too old or cannot
     * map it, another operation of it has the window, or too many windows are in use.
     */
    <T> Optional<T> withWindow(Windowed<T> operation) {
        if (!windows || !windowTaken.compareAndSet(false, true)) {
            return Optional.empty();
        }
        try {
            return windowsLeft.tryAcquire() ? inNewWindow(operation) : Optional.empty();
        } finally {
            windowTaken.set(false);
        }
    }

    private <T> Optional<T> inNewWindow(Windowed<T> operation) {
        Window window;
        try {
            window = Window.in(directory);
        } catch (IOException e) {
            LOG.warn("no window in {}: {}", directory, e.getMessage());
            windowsLeft.release();
            return Optional.empty();
        }
        try (window) {
            Optional<T> result = operation.in(window);
            if (result.isEmpty()) {
                LOG.info("{}: the guest cannot map a window, files are sent to it in frames", directory);
                windowRefused = true;
                windows = false;
            }
            return result;
        } catch (IOException e) {
            throw new UnavailableException("the window in " + directory + " cannot be closed", e);
        } finally {
            windowsLeft.release();
        }
    }

    /** What begins an operation on its connection. */
    interface Sending {
        void to(GuestConnection connection) throws IOException;
    }

    /** As {@link #begin(Sending, Duration)}, for a request alone. */
    GuestConnection begin(Request request, @Nullable Duration deadline) {
        return begin(connection -> connection.send(request), deadline);
    }

    /**
     * Takes a connection and sends a request on it. One that turns out to be dead before all was sent
     * is replaced: the guest closes connections that it has too many of, and it carries out whole
     * requests only.
     *
     * @param deadline for the first reply; {@code null} = none
     */
    GuestConnection begin(Sending sending, @Nullable Duration deadline) {
        long end = System.nanoTime() + timeouts.connection().toNanos();
        while (true) {
            GuestConnection connection = take(timeouts.connection());
            try {
                connection.deadline(timeouts.progress());
                sending.to(connection);
                if (deadline == null) {
                    connection.noDeadline();
                } else {
                    connection.deadline(deadline);
                }
                return connection;
            } catch (IOException e) {
                RuntimeException failure = fail(connection, e);
                boolean again = !connection.isLate() && System.nanoTime() < end;
                if (!again || isClosed() || Thread.currentThread().isInterrupted()) {
                    throw failure;
                }
            }
        }
    }

    /** An operation of one request and one reply. @throws dev.atoll.domain.GuestException */
    Reply unary(Request request, Duration deadline, ResultCase... expected) {
        GuestConnection connection = begin(request, deadline);
        Reply reply;
        try {
            reply = connection.reply();
            Decode.expect(reply, expected);
        } catch (IOException e) {
            throw fail(connection, e);
        }
        release(connection);
        Decode.throwIfError(reply);
        return reply;
    }

    Reply quick(Request.Builder request, ResultCase... expected) {
        return unary(request.build(), timeouts.reply(), expected);
    }

    Reply slow(Request.Builder request, ResultCase... expected) {
        return unary(request.build(), timeouts.work(), expected);
    }

    /** Gives a connection back after its operation's last reply. */
    void release(GuestConnection connection) {
        connection.noDeadline();
        if (!connection.isClean()) {
            discard(connection);
            return;
        }
        lock.lock();
        try {
            if (open.contains(connection)) {
                idle.addFirst(connection);
                changed.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Closes a connection for good; the guest abandons what it does there. Idempotent. */
    void discard(GuestConnection connection) {
        lock.lock();
        try {
            open.remove(connection);
        } finally {
            lock.unlock();
        }
        watchdog.forget(connection);
        connection.close();
    }

    /** Discards a connection that broke and says what that is in the domain. */
    UnavailableException fail(GuestConnection connection, IOException cause) {
        discard(connection);
        if (connection.isLate()) {
            return new UnavailableException("the sandbox did not answer in time", cause);
        }
        if (isClosed()) {
            return gone(cause);
        }
        if (cause instanceof ProtocolException) {
            LOG.warn("{}: {}", directory, cause.getMessage());
        }
        return new UnavailableException("the connection to the sandbox broke: " + cause.getMessage(), cause);
    }

    private static UnavailableException gone(@Nullable IOException cause) {
        return cause == null
                ? new UnavailableException("the sandbox is gone")
                : new UnavailableException("the sandbox is gone", cause);
    }

    private boolean isClosed() {
        lock.lock();
        try {
            return closed;
        } finally {
            lock.unlock();
        }
    }

    // --- GuestEndpoint ------------------------------------------------------------------------

    @Override
    public Path directory() {
        return directory;
    }

    @Override
    public void awaitConnected(Duration timeout) {
        release(take(timeout));
    }

    @Override
    public long generation() {
        return generation;
    }

    @Override
    public void configure(GuestConfig config) {
        quick(Request.newBuilder().setConfigure(Encode.configure(config)), ResultCase.OK);
        configured(config.generation());
    }

    @Override
    public Configuring configureAhead(GuestConfig config) {
        GuestConnection connection = pollGreeted();
        if (connection != null) {
            try {
                connection.send(Request.newBuilder()
                        .setConfigure(Encode.configure(config))
                        .build());
                return new SocketConfiguring(this, connection, config.generation());
            } catch (IOException e) {
                LOG.debug("{}: a connection that waited is dead: {}", directory, e.getMessage());
                discard(connection);
            }
        }
        return () -> configure(config);
    }

    private @Nullable GuestConnection pollGreeted() {
        lock.lock();
        try {
            GuestConnection first = idle.peekFirst();
            return first != null && first.isGreeted() ? idle.pollFirst() : null;
        } finally {
            lock.unlock();
        }
    }

    /** The guest said, or was told, this generation; within one boot it only grows. */
    void configured(long told) {
        lock.lock();
        try {
            generation = Math.max(generation, told);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void quiesce(boolean lift) {
        quick(Request.newBuilder().setQuiesce(Quiesce.newBuilder().setLift(lift)), ResultCase.OK);
    }

    @Override
    public void ping() {
        quick(Request.newBuilder().setPing(Ping.getDefaultInstance()), ResultCase.OK);
    }

    @Override
    public GuestProcesses processes() {
        return processes;
    }

    @Override
    public GuestFiles files() {
        return files;
    }

    @Override
    public GuestPorts ports() {
        return ports;
    }

    @Override
    public GuestMetrics metrics() {
        MetricsReport report = quick(
                        Request.newBuilder().setMetrics(Metrics.getDefaultInstance()), ResultCase.METRICS)
                .getMetrics();
        return Decode.metrics(report);
    }

    @Override
    public void shutdown(Duration grace) {
        unary(
                Request.newBuilder()
                        .setShutdown(Shutdown.newBuilder().setGraceMs(grace.toMillis()))
                        .build(),
                grace.plus(timeouts.reply()),
                ResultCase.OK);
    }

    @Override
    public void close() {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            for (GuestConnection connection : open) {
                watchdog.forget(connection);
                connection.close();
            }
            open.clear();
            idle.clear();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        try {
            server.close();
            Files.deleteIfExists(directory.resolve(GuestHub.SOCKET));
            Files.deleteIfExists(directory.resolve(Window.NAME));
        } catch (IOException e) {
            LOG.warn("cannot remove the socket in {}: {}", directory, e.getMessage());
        }
        onClose.accept(this);
    }
}
