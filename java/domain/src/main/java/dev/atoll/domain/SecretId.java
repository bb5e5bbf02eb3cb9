package dev.atoll.domain;

/**
 * Names one secret.
 *
 * @param value 32 lower-case hexadecimal characters, 128 random bits
 */
public record SecretId(String value) {
    public SecretId {
        Hex128.check("secret", value);
    }

    @Override
    public String toString() {
        return value;
    }
}
