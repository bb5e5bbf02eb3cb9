package dev.atoll.engine;

/**
 * The boundaries between the steps of every command that has more than one: after each of them the
 * journal, the warden and the guest are in a combination that a start must be able to put right.
 * The fault tests end the program at each in turn.
 */
public enum KillPoint {
    /** The name is taken in memory, nothing is written. */
    CREATE_NAMED,
    /** The sandbox lives, the journal knows nothing of it. */
    CREATE_CLAIMED,
    /** The guest is configured; the row is being written. */
    CREATE_CONFIGURED,
    /** The journal says RUNNING, the caller was told nothing. */
    CREATE_COMMITTED,
    EXEC_REQUESTED,
    /** The process runs, the caller was told nothing. */
    EXEC_STARTED,
    EXEC_ENDED,
    STOP_REQUESTED,
    /** Every process of the sandbox was asked to end. */
    STOP_SHUT_DOWN,
    /** The sandbox is dead, the journal says RUNNING. */
    STOP_KILLED,
    STOP_COMMITTED,
    START_REQUESTED,
    /** The sandbox lives again, the journal says STOPPED. */
    START_CLAIMED,
    START_CONFIGURED,
    START_COMMITTED,
    HIBERNATE_REQUESTED,
    /** Memory is about to be saved and every process of the sandbox is stopped for it. */
    MEMORY_QUIESCED,
    /** Memory and disk are saved and the sandbox is dead, the journal says RUNNING. */
    HIBERNATE_SAVED,
    HIBERNATE_COMMITTED,
    WAKE_REQUESTED,
    /** The sandbox goes on, the journal says HIBERNATED. */
    WAKE_CLAIMED,
    WAKE_CONFIGURED,
    /** The journal says RUNNING, the memory is still saved. */
    WAKE_COMMITTED,
    ARCHIVE_REQUESTED,
    /** The disk is in the blob store and in the pool, the journal says STOPPED. */
    ARCHIVE_STORED,
    /** The journal says ARCHIVED, the disk is still in the pool. */
    ARCHIVE_COMMITTED,
    ARCHIVE_DISK_GONE,
    RESTORE_REQUESTED,
    /** The disk is in the pool again, the journal says ARCHIVED. */
    RESTORE_WRITTEN,
    RESTORE_COMMITTED,
    SNAPSHOT_REQUESTED,
    /** The snapshot is in the pool, no row names it. */
    SNAPSHOT_MADE,
    SNAPSHOT_COMMITTED,
    FORK_REQUESTED,
    /** The temporary snapshot is in the pool, no child exists. */
    FORK_SNAPSHOT_MADE,
    /** At least one child is RUNNING. */
    FORK_CHILD_MADE,
    FORK_SNAPSHOT_DROPPED,
    /** The name is free, everything else is there. */
    DELETE_MARKED,
    DELETE_KILLED,
    DELETE_DISK_GONE,
    DELETE_COMMITTED,
    /** A step of a build is done, its disk is not kept. */
    BUILD_STEP_RUN,
    /** The disk of a step is in the pool, no row names it. */
    BUILD_STEP_KEPT,
    /** The layer of a build is in the pool, no row names it. */
    BUILD_LAYER_MADE,
    /** The template is there, the caller was told nothing. */
    BUILD_COMMITTED
}
