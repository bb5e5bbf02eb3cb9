package dev.atoll.http;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http.HttpHeader;
import org.jspecify.annotations.Nullable;

/**
 * One request while it is being answered. Belongs to the thread that serves it; only
 * {@link #onDisconnect} may be used from others.
 */
public final class Request {
    private static final long FINISHED_BYTES = 64 << 10;
    private static final Duration FINISHED_WITHIN = Duration.ofSeconds(5);
    private static final Duration DISCARDED_WITHIN = Duration.ofSeconds(30);
    private static final Duration DISCARDED_IDLE = Duration.ofSeconds(5);

    private final org.eclipse.jetty.server.Request jetty;
    private final String id;
    private final Disconnect disconnect;
    private @Nullable List<String> segments;
    private @Nullable Map<String, List<String>> query;
    private @Nullable RequestBody body;
    private Map<String, String> pathParameters = Map.of();
    private String route = "";
    private final Map<RequestKey<?>, Object> values = new HashMap<>();

    Request(org.eclipse.jetty.server.Request jetty, String id) {
        this.jetty = jetty;
        this.id = id;
        this.disconnect = new Disconnect(jetty);
    }

    org.eclipse.jetty.server.Request jetty() {
        return jetty;
    }

    Disconnect disconnect() {
        return disconnect;
    }

    /**
     * Names the request in logs and errors: what the client sent as {@code X-Request-Id}, if that is 1 to 64
     * of {@code A-Z a-z 0-9 . _ -}, else 16 hexadecimal characters. Not unique where clients choose it.
     */
    public String id() {
        return id;
    }

    /** As sent: GET, POST. */
    public String method() {
        return jetty.getMethod();
    }

    /** The path as sent, percent escapes and all; for logs and messages. */
    public String path() {
        String path = jetty.getHttpURI().getPath();
        return path == null ? "" : path;
    }

    /** The query as sent, without its question mark; empty when there is none. */
    public String rawQuery() {
        String raw = jetty.getHttpURI().getQuery();
        return raw == null ? "" : raw;
    }

    /** Whether it came by TLS. */
    public boolean isSecure() {
        return jetty.isSecure();
    }

    /** Whether client and server are one machine: the client's address is a loopback one, or the server's. */
    public boolean isFromThisMachine() {
        var connection = jetty.getConnectionMetaData();
        return connection.getRemoteSocketAddress() instanceof InetSocketAddress from
                && connection.getLocalSocketAddress() instanceof InetSocketAddress to
                && (from.getAddress().isLoopbackAddress() || from.getAddress().equals(to.getAddress()));
    }

    /** Path and query as sent. */
    public String target() {
        return rawQuery().isEmpty() ? path() : path() + "?" + rawQuery();
    }

    List<String> segments() {
        if (segments == null) {
            segments = PathSegments.of(path());
        }
        return segments;
    }

    void setPathParameters(Map<String, String> parameters, String pattern) {
        pathParameters = parameters;
        route = pattern;
    }

    /** The pattern that matched, empty before routing; a bounded set, so fit for metrics. */
    public String route() {
        return route;
    }

    /**
     * A decoded segment that the route's pattern names.
     *
     * @throws IllegalArgumentException when the pattern has no such name
     */
    public String pathParameter(String name) {
        String value = pathParameters.get(name);
        if (value == null) {
            throw new IllegalArgumentException("route " + route + " has no parameter " + name);
        }
        return value;
    }

    /** The first value of a query parameter. */
    public Optional<String> query(String name) {
        List<String> all = queryAll(name);
        return all.isEmpty() ? Optional.empty() : Optional.of(all.getFirst());
    }

    /** All values of a query parameter, in order. */
    public List<String> queryAll(String name) {
        return queryParameters().getOrDefault(name, List.of());
    }

    /** @throws InvalidInputException when it is not there */
    public String requireQuery(String name) {
        return query(name).orElseThrow(() -> new InvalidInputException("query." + name, "(absent)", "a value"));
    }

    /** @throws InvalidInputException unless absent or a whole number from min to max */
    public OptionalLong queryLong(String name, long min, long max) {
        Optional<String> text = query(name);
        if (text.isEmpty()) {
            return OptionalLong.empty();
        }
        try {
            long value = Long.parseLong(text.get());
            if (value >= min && value <= max) {
                return OptionalLong.of(value);
            }
        } catch (NumberFormatException e) {
            // refused below, like a number out of range
        }
        throw new InvalidInputException("query." + name, text.get(), "a whole number from " + min + " to " + max);
    }

    /** Absent is the default, present without value is true; @throws InvalidInputException unless true or false */
    public boolean queryFlag(String name, boolean whenAbsent) {
        Optional<String> text = query(name);
        if (text.isEmpty()) {
            return whenAbsent;
        }
        return switch (text.get()) {
            case "", "true", "1" -> true;
            case "false", "0" -> false;
            default -> throw new InvalidInputException("query." + name, text.get(), "true or false");
        };
    }

    /** Names and values, decoded. */
    public Map<String, List<String>> queryParameters() {
        if (query == null) {
            query = QueryString.parse(rawQuery());
        }
        return query;
    }

    /** The first header of this name; names in any case. */
    public Optional<String> header(String name) {
        return Optional.ofNullable(jetty.getHeaders().get(name));
    }

    /** All headers of this name, one a line, in order. */
    public List<String> headers(String name) {
        return jetty.getHeaders().getValuesList(name);
    }

    /** Names of all headers, as sent. */
    public List<String> headerNames() {
        return jetty.getHeaders().stream().map(HttpField::getName).distinct().toList();
    }

    /** {@code http} or {@code https}, of this connection. */
    public String scheme() {
        return isSecure() ? "https" : "http";
    }

    /** What the client thinks this server is called: host, and port unless the default one. */
    public String authority() {
        String authority = jetty.getHttpURI().getAuthority();
        return authority == null ? "" : authority;
    }

    /** Address of the peer of the connection, without its port; empty when it has none. */
    public String remoteAddress() {
        SocketAddress address = jetty.getConnectionMetaData().getRemoteSocketAddress();
        return address instanceof InetSocketAddress inet && inet.getAddress() != null
                ? inet.getAddress().getHostAddress()
                : "";
    }

    /** Whether the client prefers this media type, by its Accept header; types without parameters. */
    public boolean accepts(String mediaType) {
        return headers("Accept").stream()
                .flatMap(line -> List.of(line.split(",")).stream())
                .anyMatch(entry -> entry.split(";", 2)[0].strip().equalsIgnoreCase(mediaType));
    }

    /** The announced length of the body, absent when it is chunked. */
    public OptionalLong contentLength() {
        long length = jetty.getLength();
        return length < 0 ? OptionalLong.empty() : OptionalLong.of(length);
    }

    /**
     * The body, unbounded and as it arrives: for streams whose receiver bounds them. Read in big
     * arrays; every call blocks until there is something. An aborted client is an IOException. It is a
     * {@link java.nio.channels.ReadableByteChannel} as well, which spares one copy.
     */
    public InputStream body() {
        return bodyOfJetty();
    }

    private RequestBody bodyOfJetty() {
        if (body == null) {
            body = new RequestBody(jetty);
        }
        return body;
    }

    /** Whether a handler may be reading the body. */
    boolean isBodyOpen() {
        return body != null;
    }

    /**
     * Reads what the handler left of the body when that is little: what has arrived, and of a short body
     * also what is on its way, unless the client waits to be told to send it.
     *
     * @return whether the body is at its end, so that another request can follow it
     */
    boolean finishBody() {
        long length = jetty.getLength();
        boolean patient = length >= 0 && length <= FINISHED_BYTES && !jetty.getHeaders().contains(HttpHeader.EXPECT);
        return discard(FINISHED_BYTES, patient, FINISHED_WITHIN);
    }

    /**
     * After the response: reads and forgets what a client goes on sending. Closing a connection with
     * unread bytes resets it, and the client may lose the response that it was about to read.
     */
    void discardBody() {
        jetty.getConnectionMetaData().getConnection().getEndPoint().setIdleTimeout(DISCARDED_IDLE.toMillis());
        boolean unused = discard(Long.MAX_VALUE, true, DISCARDED_WITHIN);
    }

    /** Gives Jetty's memory back of a body that nobody reads on. */
    void releaseBody() {
        if (body != null) {
            body.release();
        }
    }

    private boolean discard(long most, boolean patient, Duration within) {
        try {
            return bodyOfJetty().discard(most, patient, System.nanoTime() + within.toNanos());
        } catch (IOException e) {
            // The client is gone, or too slow; whoever reads or writes next sees that too.
            return false;
        }
    }

    /**
     * The body with a bound.
     *
     * @throws HttpException 413 at once when the announced length is over the bound, else from the
     *     stream's methods when more arrives
     */
    public InputStream body(long maxBytes) {
        if (jetty.getLength() > maxBytes) {
            throw BoundedInputStream.tooLarge(maxBytes);
        }
        return new BoundedInputStream(body(), maxBytes);
    }

    /** The whole body; @throws HttpException 413 beyond the bound */
    public byte[] bytes(int maxBytes) throws IOException {
        return body(maxBytes).readAllBytes();
    }

    /**
     * The whole body as a value.
     *
     * @throws InvalidInputException naming the field
     * @throws HttpException 413 beyond the bound, 415 when the client says it is no JSON
     */
    public <T> T json(Json json, Class<T> type, int maxBytes) throws IOException {
        requireJson();
        return json.read(bytes(maxBytes), type);
    }

    /** @throws HttpException 415 when the client says that the body is no JSON */
    public void requireJson() {
        Optional<String> contentType = header("Content-Type");
        if (contentType.isPresent() && !isJson(contentType.get())) {
            throw new HttpException(
                    415, "unsupported_media_type", "Content-Type is '" + contentType.get() + "'; allowed: application/json");
        }
    }

    private static boolean isJson(String contentType) {
        String type = contentType.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
        return type.equals("application/json") || type.endsWith("+json") || type.isEmpty();
    }

    /** Leaves a value for the handlers behind a filter. */
    public <T> void put(RequestKey<T> key, T value) {
        values.put(key, value);
    }

    /** @throws IllegalStateException when no filter left one */
    public <T> T get(RequestKey<T> key) {
        Object value = values.get(key);
        if (value == null) {
            throw new IllegalStateException("no value of " + key);
        }
        return key.cast(value);
    }

    public <T> Optional<T> find(RequestKey<T> key) {
        return Optional.ofNullable(values.get(key)).map(key::cast);
    }

    /** Whether the client asks to speak WebSocket; {@link Response#webSocket} answers it. */
    public boolean isWebSocketUpgrade() {
        return header("Upgrade").filter("websocket"::equalsIgnoreCase).isPresent();
    }

    /** @throws HttpException 426 unless {@link #isWebSocketUpgrade} */
    public void requireWebSocket() {
        if (!isWebSocketUpgrade()) {
            throw new HttpException(
                    426, "upgrade_required", "this path speaks WebSocket", Map.of("Upgrade", "websocket"));
        }
    }

    /**
     * Runs the action, on any thread, once, when the client is found to be gone before the response
     * is complete; at once when it is gone already. The action must not block. Over HTTP/1.1 that is
     * found by reading and writing, and at any time while a response of unknown length is streamed or
     * after {@link #watchConnection}.
     */
    public void onDisconnect(Runnable action) {
        disconnect.onDisconnect(action);
    }

    /**
     * From now on the loss of the client is seen though nothing is read or written. Call it when the
     * body was read. An HTTP/1.1 connection is closed after the response.
     */
    public void watchConnection() {
        disconnect.watch();
    }
}
