package dev.atoll.guest;

import dev.atoll.domain.UnavailableException;

/** A configuration that was sent, or is still to be sent, to a guest. Of one thread. */
public interface Configuring {
    /**
     * Returns when the guest has taken it over.
     *
     * @throws dev.atoll.domain.GuestException when the guest refuses it
     * @throws UnavailableException when the guest is gone or does not answer in time
     */
    void await();
}
