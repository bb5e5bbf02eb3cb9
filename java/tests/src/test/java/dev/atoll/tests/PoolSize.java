package dev.atoll.tests;

/**
 * The pool of a test's node, bytes.
 *
 * @param total of the sparse file
 * @param admission below this much free space creates, forks, snapshots and uploads are refused
 * @param freeze below this much free space the fastest writers are frozen
 */
public record PoolSize(long total, long admission, long freeze) {
    /** The marks as in the default configuration. */
    static final PoolSize AMPLE = new PoolSize(24L << 30, 2L << 30, 512L << 20);
}
