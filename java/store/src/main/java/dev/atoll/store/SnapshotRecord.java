package dev.atoll.store;

import dev.atoll.domain.Snapshot;

/** A snapshot and how far its command got. */
public record SnapshotRecord(Snapshot snapshot, MakeState state) {
    public SnapshotRecord withState(MakeState value) {
        Snapshot s = snapshot;
        boolean archived = value == MakeState.ARCHIVED;
        return new SnapshotRecord(
                new Snapshot(
                        s.id(), s.project(), s.name(), s.sandbox(), s.template(), s.layers(), s.sizeBytes(),
                        s.usedBytes(), s.blocked(), s.createdAt(), s.expiresAt(), s.memory(), archived),
                value);
    }
}
