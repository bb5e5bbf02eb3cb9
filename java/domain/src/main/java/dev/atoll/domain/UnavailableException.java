package dev.atoll.domain;

/** A part of the node does not answer (the warden, a guest); trying again later may help. */
public final class UnavailableException extends AtollException {
    private static final long serialVersionUID = 1;

    public UnavailableException(String message) {
        super(message);
    }

    public UnavailableException(String message, Throwable cause) {
        super(message, cause);
    }
}
