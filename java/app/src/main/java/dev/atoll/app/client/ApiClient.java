package dev.atoll.app.client;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Calls Atoll's own API over {@link HttpURLConnection}: it is the JDK's one client that loads neither
 * TLS nor a selector thread for a plain request, which halves the start of the command line. Methods
 * block, are safe from any thread, and throw {@link ApiException} when the server refuses and
 * {@link UnreachableException} when it does not answer.
 */
public final class ApiClient {
    private static final JsonMapper JSON = new JsonMapper();
    private static final int CONNECT_MILLIS = 10_000;
    private static final int CHUNK_BYTES = 64 << 10;
    private static final int PAGE = 1000;

    private final Server server;

    public ApiClient(Server server) {
        this.server = server;
    }

    public Server server() {
        return server;
    }

    public JsonNode get(Query query) {
        return json(open("GET", query));
    }

    /** @param body a map, a record or null for an empty body */
    public JsonNode post(Query query, @Nullable Object body) {
        return send("POST", query, body);
    }

    public JsonNode put(Query query, Object body) {
        return send("PUT", query, body);
    }

    private JsonNode send(String method, Query query, @Nullable Object body) {
        HttpURLConnection connection = open(method, query);
        try {
            send(connection, body);
        } catch (IOException e) {
            throw unreachable(e);
        }
        return json(connection);
    }

    public void delete(Query query) {
        json(open("DELETE", query));
    }

    /** The answer's body as it comes. Close it, also half-way. */
    public InputStream download(Query query) {
        HttpURLConnection connection = open("GET", query);
        connection.setRequestProperty("Accept", "application/x-ndjson, */*");
        try {
            return body(connection);
        } catch (IOException e) {
            throw unreachable(e);
        }
    }

    /** Posts JSON and gives the answer's events, a line of JSON each, as they come. Close it, also half-way. */
    public InputStream stream(Query query, Object body) {
        HttpURLConnection connection = open("POST", query);
        connection.setRequestProperty("Accept", "application/x-ndjson");
        try {
            send(connection, body);
            return body(connection);
        } catch (IOException e) {
            throw unreachable(e);
        }
    }

    /** Sends what the source writes, of unknown length. */
    public JsonNode upload(String method, Query query, String contentType, Source source) {
        HttpURLConnection connection = open(method, query);
        connection.setDoOutput(true);
        connection.setChunkedStreamingMode(CHUNK_BYTES);
        connection.setRequestProperty("Content-Type", contentType);
        try {
            try (OutputStream out = connection.getOutputStream()) {
                source.writeTo(out);
            } catch (IOException refusedEarly) {
                // The server may have answered before the end; its reason is better than ours.
                if (connection.getResponseCode() < HttpURLConnection.HTTP_BAD_REQUEST) {
                    throw refusedEarly;
                }
            }
            return json(connection);
        } catch (IOException e) {
            throw unreachable(e);
        }
    }

    /** Writes a request's body. */
    @FunctionalInterface
    public interface Source {
        void writeTo(OutputStream out) throws IOException;
    }

    /** All sandboxes that the key sees, over all pages. @param states empty = all */
    public List<JsonNode> sandboxes(List<String> states, Map<String, String> labels) {
        var all = new ArrayList<JsonNode>();
        String cursor = "";
        do {
            Query query = Query.of("sandboxes").with("limit", Integer.toString(PAGE));
            states.forEach(state -> query.with("state", state));
            labels.forEach((name, value) -> query.with("label", name + "=" + value));
            if (!cursor.isEmpty()) {
                query.with("cursor", cursor);
            }
            JsonNode page = get(query);
            page.path("sandboxes").forEach(all::add);
            cursor = page.path("next").asString("");
        } while (!cursor.isEmpty());
        return all;
    }

    private HttpURLConnection open(String method, Query query) {
        try {
            URL url = URI.create(server.url() + query).toURL();
            if (!(url.openConnection() instanceof HttpURLConnection connection)) {
                throw new UnreachableException(server.url() + " is not http or https", new IOException());
            }
            connection.setConnectTimeout(CONNECT_MILLIS);
            connection.setRequestMethod(method);
            connection.setInstanceFollowRedirects(false);
            connection.setRequestProperty("Authorization", "Bearer " + server.key());
            return connection;
        } catch (IOException e) {
            throw unreachable(e);
        }
    }

    private static void send(HttpURLConnection connection, @Nullable Object body) throws IOException {
        byte[] bytes = body == null ? new byte[0] : JSON.writeValueAsBytes(body);
        connection.setDoOutput(true);
        connection.setFixedLengthStreamingMode(bytes.length);
        connection.setRequestProperty("Content-Type", "application/json");
        try (OutputStream out = connection.getOutputStream()) {
            out.write(bytes);
        }
    }

    private JsonNode json(HttpURLConnection connection) {
        try (InputStream in = body(connection)) {
            byte[] bytes = in.readAllBytes();
            return bytes.length == 0 ? JSON.createObjectNode() : JSON.readTree(bytes);
        } catch (IOException e) {
            throw unreachable(e);
        } catch (JacksonException notOurs) {
            throw new UnreachableException(server.url() + " does not answer as Atoll does", notOurs);
        }
    }

    private InputStream body(HttpURLConnection connection) throws IOException {
        int status = connection.getResponseCode();
        if (status >= HttpURLConnection.HTTP_OK && status < HttpURLConnection.HTTP_MULT_CHOICE) {
            return new AsItComes(connection.getInputStream());
        }
        throw refusal(status, connection.getErrorStream());
    }

    private ApiException refusal(int status, @Nullable InputStream error) throws IOException {
        if (error != null) {
            try (error) {
                JsonNode reason = JSON.readTree(new String(error.readAllBytes(), StandardCharsets.UTF_8)).path("error");
                if (reason.path("message").isString()) {
                    return new ApiException(status, reason.path("code").asString(""), reason.path("message").asString());
                }
            } catch (JacksonException notOurs) {
                // Something between us and the server answered.
            }
        }
        return new ApiException(status, "", server.url() + " answered with status " + status);
    }

    private UnreachableException unreachable(IOException e) {
        String reason = e instanceof ConnectException ? "nothing answers at " + server.url() : server.url() + ": " + e.getMessage();
        return new UnreachableException(reason, e);
    }
}
