package dev.atoll.guest;

import dev.atoll.domain.GuestException;
import dev.atoll.domain.Ports;
import java.util.List;

/** The ports of one sandbox. */
public interface GuestPorts {
    List<Ports.Listener> listening();

    /** @throws GuestException CONNECTION_REFUSED when nothing listens */
    Ports.Pipe dial(int port);
}
