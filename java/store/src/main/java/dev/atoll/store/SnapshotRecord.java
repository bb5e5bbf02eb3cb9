package dev.atoll.store;

import dev.atoll.domain.Snapshot;

/** A snapshot and how far its command got. */
public record SnapshotRecord(Snapshot snapshot, MakeState state) {
    public SnapshotRecord withState(MakeState value) {
        return new SnapshotRecord(snapshot, value);
    }
}
