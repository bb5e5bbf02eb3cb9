package dev.atoll.http;

import java.util.Map;

/** A request that is refused with this status. The message is fit for the client to read. */
public class HttpException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int status;
    private final String code;
    private final transient Map<String, String> headers;

    /**
     * @param status 400 to 599
     * @param code a short name for programs, like {@code not_found}
     */
    public HttpException(int status, String code, String message) {
        this(status, code, message, Map.of());
    }

    /** @param headers belong on the response: Allow, WWW-Authenticate, Retry-After */
    public HttpException(int status, String code, String message, Map<String, String> headers) {
        super(message);
        this.status = status;
        this.code = code;
        this.headers = Map.copyOf(headers);
    }

    public int status() {
        return status;
    }

    public String code() {
        return code;
    }

    public Map<String, String> headers() {
        return headers;
    }
}
