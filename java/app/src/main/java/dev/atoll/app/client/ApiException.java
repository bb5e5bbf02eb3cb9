package dev.atoll.app.client;

import java.net.HttpURLConnection;
import tools.jackson.databind.JsonNode;

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

    /** An error that the server tells as the last event of an answer that had begun. */
    public static ApiException told(JsonNode error) {
        return new ApiException(
                HttpURLConnection.HTTP_OK, error.path("code").asString(""), error.path("message").asString("the command failed"));
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
