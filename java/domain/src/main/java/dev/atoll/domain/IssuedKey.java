package dev.atoll.domain;

/** A new key together with its secret, which is shown this one time. */
public record IssuedKey(ApiKey key, String secret) {
    /** Leaves the secret out, so that no log shows it. */
    @Override
    public String toString() {
        return "IssuedKey[" + key.id() + "]";
    }
}
