package dev.atoll.http;

/** A part of the request (a field of its JSON, a query parameter, a header) is not as it must be: status 400. */
public final class InvalidInputException extends HttpException {
    private static final long serialVersionUID = 1;
    private static final int SHOWN = 200;

    private final String field;
    private final String value;
    private final String allowed;

    /**
     * @param field where: {@code resources.cpu}, {@code query.limit}; empty for the body as a whole
     * @param value what was there; kept to 200 characters
     * @param allowed what may be there
     */
    public InvalidInputException(String field, String value, String allowed) {
        super(400, "invalid", (field.isEmpty() ? "the body" : field) + " is '" + cut(value) + "'; allowed: " + allowed);
        this.field = field;
        this.value = cut(value);
        this.allowed = allowed;
    }

    public String field() {
        return field;
    }

    public String value() {
        return value;
    }

    public String allowed() {
        return allowed;
    }

    private static String cut(String value) {
        return value.length() > SHOWN ? value.substring(0, SHOWN) + "…" : value;
    }
}
