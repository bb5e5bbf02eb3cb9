package dev.atoll.guest;

import dev.atoll.domain.UnavailableException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;

/** All endpoints of an engine, and what they share. Safe from any thread. */
public final class GuestHub implements AutoCloseable {
    /** Name of the socket in its directory; the guest's side of the mount knows it. */
    static final String SOCKET = "e";

    /** Connections that wait to be accepted; a guest dials a few at a time. */
    private static final int BACKLOG = 128;

    /** Windows at once, 2 MiB each of the 64 MiB that all sockets' directories share; further uploads go in frames. */
    private static final int MAX_WINDOWS = 16;

    private final GuestTimeouts timeouts;
    private final Watchdog watchdog = new Watchdog();
    private final Buffers buffers = new Buffers();
    private final Semaphore windows = new Semaphore(MAX_WINDOWS);
    private final Set<SocketEndpoint> endpoints = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;

    public GuestHub() {
        this(GuestTimeouts.DEFAULT);
    }

    public GuestHub(GuestTimeouts timeouts) {
        this.timeouts = timeouts;
    }

    /**
     * Listens on {@code <directory>/e}. The directory is made when it is not there, with mode 0711,
     * the socket with mode 0666: who may come near is decided by where the warden mounts the
     * directory. A socket that an earlier engine left is replaced; guests dial the new one.
     *
     * @param directory absolute, at most 100 bytes long (a unix socket's path has 108)
     * @throws UnavailableException when the socket cannot be made
     */
    public GuestEndpoint open(Path directory) {
        if (closed) {
            throw new IllegalStateException("the hub is closed");
        }
        try {
            ServerSocketChannel server = listen(directory);
            SocketEndpoint endpoint =
                    new SocketEndpoint(directory, server, timeouts, watchdog, buffers, windows, endpoints::remove);
            endpoints.add(endpoint);
            endpoint.start();
            return endpoint;
        } catch (IOException e) {
            throw new UnavailableException("cannot listen in " + directory + ": " + e.getMessage(), e);
        }
    }

    private static ServerSocketChannel listen(Path directory) throws IOException {
        Files.createDirectories(directory);
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx--x--x"));
        Path socket = directory.resolve(SOCKET);
        Files.deleteIfExists(socket);
        Files.deleteIfExists(directory.resolve(Window.NAME));
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            server.bind(UnixDomainSocketAddress.of(socket), BACKLOG);
            Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-rw-rw-"));
        } catch (IOException | RuntimeException e) {
            server.close();
            throw e;
        }
        return server;
    }

    /** Closes every endpoint. Guests go on, and dial again when the sockets are back. */
    @Override
    public void close() {
        closed = true;
        endpoints.forEach(SocketEndpoint::close);
        watchdog.close();
    }
}
