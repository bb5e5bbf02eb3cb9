package dev.atoll.domain;

/** This node, class or version does not offer that; the message says what does. */
public final class UnsupportedException extends AtollException {
    private static final long serialVersionUID = 1;

    public UnsupportedException(String message) {
        super(message);
    }
}
