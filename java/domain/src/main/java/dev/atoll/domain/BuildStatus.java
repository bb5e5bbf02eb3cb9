package dev.atoll.domain;

/** How far a build is. */
public enum BuildStatus {
    /** Waits for its turn. */
    QUEUED,
    RUNNING,
    SUCCEEDED,
    /** See {@link Build.Failure}. */
    FAILED,
    CANCELLED;

    public boolean ended() {
        return this != QUEUED && this != RUNNING;
    }
}
