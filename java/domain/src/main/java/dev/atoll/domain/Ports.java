package dev.atoll.domain;

import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.Optional;

/** Ports that processes inside sandboxes listen on. Legal while RUNNING. */
public interface Ports {
    /** A listening socket, as the guest reports it. */
    record Listener(int port, String address, Optional<Integer> pid, Optional<String> process) {}

    /** A byte pipe to a port inside. One reader and one writer thread. */
    interface Pipe extends AutoCloseable {
        InputStream input();

        OutputStream output();

        /** Half-close: the peer reads end of file. */
        void closeOutput();

        @Override
        void close();
    }

    List<Listener> listening(Caller caller, SandboxId sandbox);

    /** @throws GuestException CONNECTION_REFUSED when nothing listens */
    Pipe dial(Caller caller, SandboxId sandbox, int port);
}
