package dev.atoll.store;

import dev.atoll.domain.ProjectId;
import java.time.Instant;
import java.util.Optional;

/**
 * An API key without its secret.
 *
 * @param sha256 of the secret, 64 lower-case hexadecimal characters
 * @param operator whether it may manage keys and see all projects
 */
public record KeyRecord(
        String id,
        ProjectId project,
        String name,
        String sha256,
        boolean operator,
        Instant createdAt,
        Optional<Instant> revokedAt) {}
