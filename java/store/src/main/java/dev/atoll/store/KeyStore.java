package dev.atoll.store;

import dev.atoll.domain.ConflictException;
import dev.atoll.domain.ProjectId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** The API keys. */
public interface KeyStore {
    /** @throws ConflictException when id or hash is taken */
    void insert(KeyRecord record);

    Optional<KeyRecord> get(String id);

    /** Also a revoked one. */
    Optional<KeyRecord> findByHash(String sha256);

    /** @param project empty = of all projects; oldest first */
    List<KeyRecord> list(Optional<ProjectId> project);

    /** Sets when it was revoked, unless it was before; false when there is no such key. */
    boolean revoke(String id, Instant at);
}
