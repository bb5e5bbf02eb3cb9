package dev.atoll.store;

/** How far the making or deleting of something in the pool got. */
public enum MakeState {
    /** Intended; the pool may hold nothing or all of it. */
    MAKING,
    READY,
    /** Snapshots alone: its disk is in the blob store; the pool may still or already hold it. */
    ARCHIVED,
    /** Intended to go; the pool may still hold it. */
    DELETING
}
