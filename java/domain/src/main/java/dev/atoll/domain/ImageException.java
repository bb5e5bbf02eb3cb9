package dev.atoll.domain;

/** An image cannot be had from its registry. The message names image, registry and cause. */
public final class ImageException extends AtollException {
    private static final long serialVersionUID = 1;

    /** Why. */
    public enum Reason {
        /** The registry has no such repository, tag or digest. */
        UNKNOWN,
        /** The registry refuses the credentials, or wants some and has none; or the configuration refuses the registry. */
        REFUSED,
        /** No connection to the registry, or an answer that says to come later. */
        UNREACHABLE,
        /** The registry sent nothing for longer than it may. */
        STALLED,
        /** The connection ended in the middle, again and again. */
        CUT,
        /** What was sent is not what its digest names. */
        WRONG_DIGEST,
        /** A manifest, configuration or layer that is not as its format says. */
        MALFORMED,
        /** More than the configuration allows. */
        TOO_LARGE,
        /** There is none for this machine's processor. */
        NO_PLATFORM
    }

    private final Reason reason;

    public ImageException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    public ImageException(Reason reason, String message, Throwable cause) {
        super(message, cause);
        this.reason = reason;
    }

    public Reason reason() {
        return reason;
    }
}
