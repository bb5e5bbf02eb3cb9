package dev.atoll.guest;

import dev.atoll.domain.GuestException;
import dev.atoll.domain.UnavailableException;
import java.nio.file.Path;
import java.time.Duration;

/**
 * The engine's end of one sandbox's guest: a listening socket, which guest dials it is the identity,
 * and the connections that it dialled. All methods are safe from any thread and block it (virtual
 * threads park). What the guest refuses is a {@link GuestException}. A lost connection, a guest that
 * breaks the protocol and one that does not answer in time are {@link UnavailableException}; whether
 * the operation was done is then unknown.
 */
public interface GuestEndpoint extends AutoCloseable {
    /** The directory whose entry {@code e} is the socket. */
    Path directory();

    /**
     * Returns when a guest has dialled and said a valid hello.
     *
     * @throws UnavailableException when the time is over, or the guest speaks another protocol
     */
    void awaitConnected(Duration timeout);

    /** Of the newest hello or later {@link #configure}; 0 before the first, of a guest never configured. */
    long generation();

    /** Must come before any other operation after a boot. */
    void configure(GuestConfig config);

    /**
     * Stops every process but the guest, until the next {@link #configure} or a {@code lift}.
     *
     * @param lift lets those go on that were stopped
     */
    void quiesce(boolean lift);

    /**
     * Sends the configuration to a guest that has dialled and will act on it once its sandbox is
     * claimed, so that no time passes between the two. Does not block: when there is no connection, or
     * only dead ones, it is sent when it is waited for.
     */
    Configuring configureAhead(GuestConfig config);

    /** Proves that the guest answers. */
    void ping();

    GuestProcesses processes();

    GuestFiles files();

    GuestPorts ports();

    GuestMetrics metrics();

    /**
     * SIGTERM to all processes, SIGKILL to what is left after the grace, then sync. Returns when
     * done; the guest itself stays for the warden to kill.
     */
    void shutdown(Duration grace);

    /**
     * Closes socket and connections; every caller that waits in an operation gets
     * {@link UnavailableException}. The directory stays. Idempotent.
     */
    @Override
    void close();
}
