package dev.atoll.domain;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** The snapshots of a node; the rules of {@link Sandboxes} on threads and projects hold here too. */
public interface Snapshots {
    /**
     * RUNNING, PAUSED, STOPPED. Durable when it returns.
     *
     * @param name empty = the id
     * @param keep how long; empty = until deleted
     */
    Snapshot create(Caller caller, SandboxId sandbox, Optional<String> name, Optional<Duration> keep);

    /**
     * As {@link #create}, with the memory of the same instant: sandboxes made from it go on in the middle of
     * what this one does, each as somebody new. RUNNING, PAUSED.
     *
     * @param quiesce no process runs while memory is saved, nor in a new sandbox before it knows who it is
     * @throws UnsupportedException when the memory of the sandbox's class cannot be saved
     */
    Snapshot createWithMemory(
            Caller caller, SandboxId sandbox, Optional<String> name, Optional<Duration> keep, boolean quiesce);

    /** @param reference an id or a name */
    Snapshot get(Caller caller, String reference);

    List<Snapshot> list(Caller caller);

    /**
     * Puts its disk into the blob store; no-op when it is there. A create from it brings it back.
     *
     * @throws UnsupportedException when this node has no blob store, or the snapshot has memory
     */
    Snapshot archive(Caller caller, SnapshotId id);

    /** Idempotent. Sandboxes made from it keep their disks. */
    void delete(Caller caller, SnapshotId id);
}
