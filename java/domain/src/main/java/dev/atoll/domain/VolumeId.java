package dev.atoll.domain;

/**
 * Names one volume.
 *
 * @param value 32 lower-case hexadecimal characters, 128 random bits
 */
public record VolumeId(String value) {
    public VolumeId {
        Hex128.check("volume", value);
    }

    @Override
    public String toString() {
        return value;
    }
}
