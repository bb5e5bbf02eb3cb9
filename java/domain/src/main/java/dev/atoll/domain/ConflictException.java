package dev.atoll.domain;

/** The request collides with what exists: a name that is taken, a thing in use. */
public final class ConflictException extends AtollException {
    private static final long serialVersionUID = 1;

    public ConflictException(String message) {
        super(message);
    }
}
