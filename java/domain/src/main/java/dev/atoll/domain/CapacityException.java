package dev.atoll.domain;

/** There is no room: the pool is over its admission mark, all slots are taken, a quota is used up. */
public final class CapacityException extends AtollException {
    private static final long serialVersionUID = 1;

    /** What ran out. */
    public enum What {
        POOL,
        SLOTS,
        MEMORY,
        QUOTA,
        /** Requests of a project. */
        RATE,
        CONNECTIONS
    }

    private final What what;

    public CapacityException(What what, String message) {
        super(message);
        this.what = what;
    }

    public What what() {
        return what;
    }
}
