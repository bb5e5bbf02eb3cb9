package dev.atoll.domain;

/**
 * Names one read-only layer of the node.
 *
 * @param value 32 lower-case hexadecimal characters, 128 random bits
 */
public record LayerId(String value) {
    public LayerId {
        Hex128.check("layer", value);
    }

    @Override
    public String toString() {
        return value;
    }
}
