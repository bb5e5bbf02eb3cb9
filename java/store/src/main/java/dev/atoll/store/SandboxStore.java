package dev.atoll.store;

import dev.atoll.domain.ConflictException;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.Page;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SandboxQuery;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The sandboxes. A sandbox is living in every state but DELETED. */
public interface SandboxStore {
    /**
     * Adds a sandbox, unless one of the same project and idempotency key is there.
     *
     * @return the record that holds the key: the argument, or the earlier one
     * @throws ConflictException when a living sandbox of the project has the name, or the id is taken
     */
    SandboxRecord insert(SandboxRecord record);

    /**
     * Replaces the record of this id.
     *
     * @throws NotFoundException when there is none
     * @throws ConflictException when a living sandbox of the project has the name
     */
    void update(SandboxRecord record);

    /** Also a deleted one, until it is purged. */
    Optional<SandboxRecord> get(SandboxId id);

    /** The living sandbox of this name. */
    Optional<SandboxRecord> findByName(ProjectId project, String name);

    /** Also a deleted one, until it is purged. */
    Optional<SandboxRecord> findByIdempotencyKey(ProjectId project, String key);

    /** Living ones of all projects, oldest first. */
    List<SandboxRecord> living();

    /**
     * Living ones, with {@link SandboxQuery#includeFinished} also deleted ones that have an outcome, or those
     * of the query's states, newest first.
     */
    Page<SandboxRecord> list(ProjectId project, SandboxQuery query);

    /** Sets the last activity of several; ids that are not there are left out. Never goes back in time. */
    void touch(Map<SandboxId, Instant> lastActivity);

    /** Drops records that became DELETED before that instant; returns how many. */
    int purgeDeleted(Instant before);
}
