package dev.atoll.domain;

/**
 * Names one snapshot.
 *
 * @param value 32 lower-case hexadecimal characters, 128 random bits
 */
public record SnapshotId(String value) {
    public SnapshotId {
        Hex128.check("snapshot", value);
    }

    @Override
    public String toString() {
        return value;
    }
}
