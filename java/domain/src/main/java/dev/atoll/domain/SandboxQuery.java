package dev.atoll.domain;

import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Which sandboxes to list, newest first. Empty fields do not restrict.
 *
 * @param labels all of these must be there with these values
 * @param limit 1 to 1,000
 * @param cursor where the page before ended, as {@link Page#next} gave it
 */
public record SandboxQuery(
        Map<String, String> labels,
        Set<SandboxState> states,
        Optional<String> namePrefix,
        int limit,
        Optional<String> cursor) {
    public static final SandboxQuery ALL = new SandboxQuery(Map.of(), Set.of(), Optional.empty(), 100, Optional.empty());

    public SandboxQuery {
        labels = Map.copyOf(labels);
        states = Set.copyOf(states);
        InvalidFieldException.requireRange("limit", limit, 1, 1000);
    }
}
