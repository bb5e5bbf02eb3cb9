package dev.atoll.domain;

/** A field of a request is not as it must be. The message names field, value and what is allowed. */
public final class InvalidFieldException extends AtollException {
    private static final long serialVersionUID = 1;
    private static final int SHOWN = 200;

    private final String field;
    private final String value;
    private final String allowed;

    public InvalidFieldException(String field, String value, String allowed) {
        super(field + " is " + quote(value) + "; allowed: " + allowed);
        this.field = field;
        this.value = value.length() > SHOWN ? value.substring(0, SHOWN) : value;
        this.allowed = allowed;
    }

    public String field() {
        return field;
    }

    /** The refused value, cut to 200 characters. */
    public String value() {
        return value;
    }

    public String allowed() {
        return allowed;
    }

    /** @throws InvalidFieldException unless min &lt;= value &lt;= max */
    public static void requireRange(String field, long value, long min, long max) {
        if (value < min || value > max) {
            throw new InvalidFieldException(field, Long.toString(value), min + " to " + max);
        }
    }

    /** @throws InvalidFieldException unless the text has min to max characters */
    public static void requireLength(String field, String value, int min, int max) {
        if (value.length() < min || value.length() > max) {
            throw new InvalidFieldException(field, value, min + " to " + max + " characters");
        }
    }

    private static String quote(String value) {
        return "'" + (value.length() > SHOWN ? value.substring(0, SHOWN) + "…' (" + value.length() + " characters)" : value + "'");
    }
}
