package dev.atoll.store;

import dev.atoll.domain.ConflictException;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.SnapshotId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** The snapshots. */
public interface SnapshotStore {
    /** @throws ConflictException when a snapshot of the project has the name, or the id is taken */
    void insert(SnapshotRecord record);

    /** @throws NotFoundException when there is none of this id */
    void update(SnapshotRecord record);

    Optional<SnapshotRecord> get(SnapshotId id);

    Optional<SnapshotRecord> findByName(ProjectId project, String name);

    /** Newest first. */
    List<SnapshotRecord> list(ProjectId project);

    /** Of all projects, oldest first. */
    List<SnapshotRecord> all();

    /** READY ones whose expiry is not after that instant. */
    List<SnapshotRecord> expired(Instant now);

    /** Idempotent. */
    void delete(SnapshotId id);
}
