package dev.atoll.domain;

/** Why the node keeps every process of a sandbox stopped that is RUNNING, or would if it were not PAUSED. */
public enum Hold {
    /**
     * It writes and the pool has less free space than its freeze mark: going on could lose what it was told
     * is written. It goes on by itself when there is room again.
     */
    POOL_FULL
}
