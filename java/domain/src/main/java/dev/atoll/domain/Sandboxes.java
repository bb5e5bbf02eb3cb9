package dev.atoll.domain;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * The sandboxes of a node. All methods block the calling (virtual) thread until done, are safe from
 * any thread, and act only on objects of the caller's project: another project's id is
 * {@link NotFoundException}. Commands to one sandbox run one after the other; reads do not queue.
 * Each command names the states in which it is legal; elsewhere it throws {@link WrongStateException}.
 */
public interface Sandboxes {
    /**
     * Makes a sandbox and returns it RUNNING.
     *
     * @throws InvalidFieldException naming the field
     * @throws ConflictException when the name is taken
     * @throws NotFoundException when the source does not exist
     * @throws UnsupportedException when a named isolation class or part of the source is not offered here
     * @throws CapacityException when the node has no room
     */
    Sandbox create(Caller caller, CreateSandbox spec);

    /** @throws NotFoundException when there is none of this id, or it was deleted */
    Sandbox get(Caller caller, SandboxId id);

    /** The living sandbox of this name. */
    Optional<Sandbox> findByName(Caller caller, String name);

    Page<Sandbox> list(Caller caller, SandboxQuery query);

    /**
     * Waits for the end of a sandbox, also of one that has ended and is still remembered (see
     * {@code lifecycle.ended_kept}).
     *
     * @param timeout zero = look only, to 1 hour
     * @return the sandbox with its {@link Sandbox#outcome}; empty when it lives after {@code timeout}
     * @throws NotFoundException when no sandbox of this id lives or is remembered
     */
    Optional<Sandbox> awaitEnd(Caller caller, SandboxId id, Duration timeout);

    /** STOPPED, ARCHIVED, FAILED with a whole disk; waits while STOPPING; no-op when RUNNING; resumes when PAUSED or HIBERNATED. */
    Sandbox start(Caller caller, SandboxId id);

    /**
     * RUNNING, PAUSED, HIBERNATED (whose memory is dropped); no-op when STOPPED. Processes get SIGTERM, then SIGKILL after the grace.
     *
     * @param grace zero to 60 s; zero kills at once
     */
    Sandbox stop(Caller caller, SandboxId id, Duration grace);

    /** RUNNING; no-op when PAUSED. Freezes every process, memory stays. */
    Sandbox pause(Caller caller, SandboxId id);

    /**
     * RUNNING, PAUSED; no-op when HIBERNATED. Memory goes to the disk and the sandbox ends until it is
     * resumed; connections from outside are cut.
     *
     * @param quiesce stop every process before, and let them go on only when the resumed sandbox knows
     *     who it is; else they run on for some milliseconds before that
     * @throws UnsupportedException when the sandbox's isolation class cannot save memory
     */
    Sandbox hibernate(Caller caller, SandboxId id, boolean quiesce);

    /** PAUSED, HIBERNATED; no-op when RUNNING. */
    Sandbox resume(Caller caller, SandboxId id);

    /**
     * STOPPED; no-op when ARCHIVED. The disk goes to the blob store, from which a start brings it back.
     *
     * @throws UnsupportedException when this node has none
     */
    Sandbox archive(Caller caller, SandboxId id);

    /**
     * ARCHIVED; no-op when the disk is here. The disk comes back and the sandbox is STOPPED.
     *
     * @throws ConflictException when the archive is lost or altered; it stays ARCHIVED
     */
    Sandbox restore(Caller caller, SandboxId id);

    /** Every state; idempotent. The name is free at once, the files are gone when it returns. */
    void delete(Caller caller, SandboxId id);

    /** Every state but DELETED. */
    Sandbox update(Caller caller, SandboxId id, SandboxChange change);

    /** What the sandbox may reach, and what it was denied since it boots. */
    Egress egress(Caller caller, SandboxId id);

    /** Counts as activity. */
    void touch(Caller caller, SandboxId id, ActivityKind kind);

    /**
     * RUNNING, PAUSED, STOPPED. New sandboxes that start from this one's disk as it is now, each with
     * its own identity.
     *
     * @param names as many as there are forks, 1 to 100; an empty one gets its id
     */
    List<Sandbox> fork(Caller caller, SandboxId id, List<Optional<String>> names);

    /**
     * RUNNING, PAUSED. As {@link #fork}, and the new sandboxes go on in the middle of what this one is
     * doing, which stands still for the time of saving its memory.
     *
     * @param quiesce as for {@link #hibernate}
     * @throws UnsupportedException when the sandbox's isolation class cannot save memory
     */
    List<Sandbox> forkWithMemory(Caller caller, SandboxId id, List<Optional<String>> names, boolean quiesce);
}
