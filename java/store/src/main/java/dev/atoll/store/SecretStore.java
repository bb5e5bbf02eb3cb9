package dev.atoll.store;

import dev.atoll.domain.ConflictException;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.SecretId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** The secrets. */
public interface SecretStore {
    /**
     * Adds the secret or replaces the one of this id.
     *
     * @throws ConflictException when another one of the project has the name
     */
    void put(SecretRecord record);

    Optional<SecretRecord> get(SecretId id);

    Optional<SecretRecord> findByName(ProjectId project, String name);

    /** Those with a name, by name. */
    List<SecretRecord> named(ProjectId project);

    /** Idempotent. */
    void delete(SecretId id);

    /** Drops those whose expiry is not after that instant; returns how many. */
    int purgeExpired(Instant now);
}
