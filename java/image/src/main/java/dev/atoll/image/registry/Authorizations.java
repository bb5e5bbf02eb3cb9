package dev.atoll.image.registry;

import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What opened repositories, by their names, until it ends. Callers choose the names, so there is a bound:
 * those that ended go first, then the longest unused. Safe from any thread.
 */
final class Authorizations {
    private static final int MOST = 256;

    private final InstantSource clock;
    /** The longest unused first. */
    private final Map<String, Authorization> known = new LinkedHashMap<>(16, 0.75f, true);

    /** The value of a header that opens a repository, until then. */
    record Authorization(String header, Instant until) {}

    Authorizations(InstantSource clock) {
        this.clock = clock;
    }

    synchronized Optional<Authorization> find(String repository) {
        return Optional.ofNullable(known.get(repository)).filter(a -> clock.instant().isBefore(a.until()));
    }

    synchronized void put(String repository, Authorization fresh) {
        known.put(repository, fresh);
        if (known.size() > MOST) {
            Instant now = clock.instant();
            known.values().removeIf(a -> !now.isBefore(a.until()));
        }
        if (known.size() > MOST) {
            known.remove(known.keySet().iterator().next());
        }
    }

    synchronized int size() {
        return known.size();
    }
}
