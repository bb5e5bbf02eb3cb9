package dev.atoll.domain;

import java.util.List;
import java.util.Optional;

/**
 * What a sandbox may reach. It only takes away: private, link-local and metadata addresses are denied
 * by the node in any case.
 */
public sealed interface NetworkPolicy {
    /** Entries of one list. */
    int MAX_ENTRIES = 512;

    /** Public addresses. */
    record Open() implements NetworkPolicy {}

    /** Nothing, names included. */
    record None() implements NetworkPolicy {}

    /** Public addresses but these. */
    record Except(List<Cidr> deny) implements NetworkPolicy {
        public Except {
            deny = bounded("deny", deny);
        }
    }

    /**
     * Only what the lists name.
     *
     * @param allow addresses that may be reached on every port
     * @param deny not these, whatever the other lists say
     * @param domains the names that resolve. The addresses they resolve to may be reached for as long as
     *     the answer may be kept; on ports 80 and 443 each request and handshake must name one of them.
     *     Empty = every name resolves, which opens nothing; an empty list = no name does
     */
    record Only(List<Cidr> allow, List<Cidr> deny, Optional<List<DomainPattern>> domains) implements NetworkPolicy {
        public Only {
            allow = bounded("allow", allow);
            deny = bounded("deny", deny);
            domains = domains.map(list -> bounded("domains", list));
        }
    }

    NetworkPolicy OPEN = new Open();
    NetworkPolicy NONE = new None();

    private static <T> List<T> bounded(String list, List<T> entries) {
        InvalidFieldException.requireRange("network." + list + ".size", entries.size(), 0, MAX_ENTRIES);
        return List.copyOf(entries);
    }
}
