package dev.atoll.domain;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Which sandboxes to list, newest first. Empty fields do not restrict.
 *
 * @param labels all of these must be there with these values
 * @param createdBefore only those made before that instant
 * @param includeFinished also those that have ended and are still remembered, with their outcome; ignored
 *     when {@code states} names any
 * @param limit 1 to 1,000
 * @param cursor where the page before ended, as {@link Page#next} gave it
 */
public record SandboxQuery(
        Map<String, String> labels,
        Set<SandboxState> states,
        Optional<String> namePrefix,
        Optional<Instant> createdBefore,
        boolean includeFinished,
        int limit,
        Optional<String> cursor) {
    public static final SandboxQuery ALL = new SandboxQuery(Map.of(), Set.of(), Optional.empty(), 100, Optional.empty());

    public SandboxQuery {
        labels = Map.copyOf(labels);
        states = Set.copyOf(states);
        InvalidFieldException.requireRange("limit", limit, 1, 1000);
    }

    /** Of living ones. */
    public SandboxQuery(
            Map<String, String> labels,
            Set<SandboxState> states,
            Optional<String> namePrefix,
            int limit,
            Optional<String> cursor) {
        this(labels, states, namePrefix, Optional.empty(), false, limit, cursor);
    }
}
