package dev.atoll.domain;

/**
 * Names one sandbox for its whole life, on every face.
 *
 * @param value 32 lower-case hexadecimal characters, 128 random bits
 */
public record SandboxId(String value) {
    public SandboxId {
        Hex128.check("sandbox", value);
    }

    @Override
    public String toString() {
        return value;
    }
}
