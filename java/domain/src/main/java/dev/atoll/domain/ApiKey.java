package dev.atoll.domain;

import java.time.Instant;
import java.util.Optional;

/**
 * A key as it can be shown: without its secret, of which only a hash is kept.
 *
 * @param id names the key in lists and for revocation, not a secret
 * @param name what its maker called it, at most 128 characters
 */
public record ApiKey(String id, ProjectId project, String name, Instant createdAt, Optional<Instant> revokedAt) {}
