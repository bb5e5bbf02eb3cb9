package dev.atoll.domain;

/** Something failed inside the sandbox: a file that is not there, a command that cannot be run. */
public final class GuestException extends AtollException {
    private static final long serialVersionUID = 1;

    /** The cause, as the guest told it. */
    public enum Code {
        UNKNOWN,
        NOT_FOUND,
        PERMISSION_DENIED,
        EXISTS,
        NOT_DIRECTORY,
        IS_DIRECTORY,
        NOT_EMPTY,
        INVALID,
        TOO_LARGE,
        NO_SPACE,
        UNSUPPORTED,
        NO_SUCH_PROCESS,
        NO_SUCH_USER,
        BUSY,
        IO,
        CONNECTION_REFUSED,
        TOO_MANY,
        NOT_EXECUTABLE,
        NO_SUCH_COMMAND,
        LOOP,
        NAME_TOO_LONG,
        STALE_OFFSET
    }

    private final Code code;
    private final String field;

    /** @param field which field of the request was wrong, empty when none was */
    public GuestException(Code code, String message, String field) {
        super(message);
        this.code = code;
        this.field = field;
    }

    public Code code() {
        return code;
    }

    public String field() {
        return field;
    }
}
