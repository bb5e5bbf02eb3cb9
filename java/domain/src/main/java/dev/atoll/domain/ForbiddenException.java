package dev.atoll.domain;

/** The key may not do that. */
public final class ForbiddenException extends AtollException {
    private static final long serialVersionUID = 1;

    public ForbiddenException(String message) {
        super(message);
    }
}
