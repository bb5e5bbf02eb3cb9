package dev.atoll.domain;

import java.time.Instant;

/** What a command is doing to a sandbox right now. */
public enum Operation {
    CREATING,
    STARTING,
    STOPPING,
    PAUSING,
    RESUMING,
    HIBERNATING,
    SNAPSHOTTING,
    FORKING,
    ARCHIVING,
    RESTORING,
    RESIZING,
    DELETING;

    /** An operation and the instant it began. */
    public record UnderWay(Operation operation, Instant since) {}
}
