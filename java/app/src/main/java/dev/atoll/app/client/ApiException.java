package dev.atoll.app.client;

/** The server refused; the message is the server's own, for people. */
public final class ApiException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int status;
    private final String code;

    ApiException(int status, String code, String message) {
        super(message);
        this.status = status;
        this.code = code;
    }

    /** Of HTTP. */
    public int status() {
        return status;
    }

    /** As the API's document names it, for example {@code not_found}. */
    public String code() {
        return code;
    }
}
