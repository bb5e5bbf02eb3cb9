package dev.atoll.domain;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What a sandbox may reach, and what it was denied.
 *
 * @param since from when on denials are known: the present boot, or a later start of the node
 * @param denials newest first, at most 128 different ones; some are left out of a flood. None of a
 *     sandbox that does not live
 */
public record Egress(NetworkPolicy policy, Optional<Instant> since, List<Denial> denials) {
    public Egress {
        denials = List.copyOf(denials);
    }

    /**
     * A denial that happened once or more. Everything but the times and the count is the sandbox's word.
     *
     * @param protocol tcp, udp, icmp, dns, http, tls, or the number of another
     * @param address empty of a name that was not resolved
     * @param port 0 of protocols without
     * @param name what was asked for, as far as it said; may be empty
     */
    public record Denial(
            Instant first,
            Instant last,
            long count,
            String protocol,
            Optional<String> address,
            int port,
            String name,
            Reason reason) {}

    /** Why something was denied. */
    public enum Reason {
        /** The node denies the address to all. */
        NODE,
        /** The sandbox's lists do. */
        POLICY,
        /** The name is not in the list. */
        NAME,
        /** A request or handshake that names nothing. */
        NO_NAME,
        /** An allowed name resolved to an address that is denied. */
        REBINDING,
        /** A question or request of a kind that says less than it opens. */
        KIND,
        /** It could not be read. */
        MALFORMED,
        /** More at once than a sandbox may have. */
        CAPACITY
    }
}
