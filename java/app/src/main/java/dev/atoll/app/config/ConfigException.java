package dev.atoll.app.config;

/** The configuration cannot be used; the message names the key and says what is allowed. */
public final class ConfigException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public ConfigException(String message) {
        super(message);
    }
}
