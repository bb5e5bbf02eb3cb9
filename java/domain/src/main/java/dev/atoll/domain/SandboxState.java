package dev.atoll.domain;

/** Where a sandbox stands between its commands. */
public enum SandboxState {
    CREATING,
    RUNNING,
    /** Frozen, memory in RAM. */
    PAUSED,
    /** Memory and disk on disk. */
    HIBERNATED,
    /** Disk only. */
    STOPPED,
    /** Disk in the blob store. */
    ARCHIVED,
    /** A command failed half-way; only delete is legal, and start when its disk is whole. */
    FAILED,
    DELETED
}
