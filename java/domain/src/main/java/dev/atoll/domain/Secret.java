package dev.atoll.domain;

import java.time.Instant;
import java.util.Optional;
import java.util.Set;

/**
 * A dictionary of environment variables without its values, which no call gives out: they are only
 * put into the environments of sandboxes, processes and build steps.
 *
 * @param name unique in its project; empty = ephemeral, found by its id only
 * @param keys the names of its variables
 * @param expiresAt of an ephemeral one: when it is forgotten; a use moves it
 */
public record Secret(
        SecretId id,
        ProjectId project,
        Optional<String> name,
        Set<String> keys,
        Instant createdAt,
        Instant updatedAt,
        Optional<Instant> expiresAt) {
    public Secret {
        keys = Set.copyOf(keys);
    }
}
