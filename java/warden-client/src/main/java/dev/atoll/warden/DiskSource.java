package dev.atoll.warden;

import dev.atoll.domain.SnapshotId;

/** What a sandbox's disk is when it starts. */
public sealed interface DiskSource {
    /** An empty one of this size in bytes. */
    record Fresh(long bytes) implements DiskSource {}

    /** The one that the sandbox left when it stopped. */
    record Existing() implements DiskSource {}

    /**
     * A clone of the disk that was saved with this memory, which the sandbox goes on from, its link
     * down. It needs a slot of gVisor.
     *
     * @param id of the hibernated sandbox itself, or of a snapshot
     */
    record OfMemory(String id) implements DiskSource {}

    /** A clone of a snapshot. */
    record OfSnapshot(SnapshotId snapshot) implements DiskSource {}

    /** A snapshot that becomes the disk, and is no snapshot from then on. */
    record TakenSnapshot(SnapshotId snapshot) implements DiskSource {}
}
