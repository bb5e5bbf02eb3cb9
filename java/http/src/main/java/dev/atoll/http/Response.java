package dev.atoll.http;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/** What a handler answers. Immutable; {@code with} methods give changed copies. */
public final class Response {
    /** A header line. */
    record Header(String name, String value) {}

    /** What follows the headers. */
    sealed interface Body {
        record Bytes(byte[] bytes) implements Body {}

        /** @param length -1 = unknown */
        record Stream(long length, StreamWriter writer) implements Body {}

        record Upgrade(WebSocketConfig config, WebSocketHandler handler) implements Body {}
    }

    private static final byte[] NOTHING = {};

    private final int status;
    private final List<Header> headers;
    private final Body body;
    private final List<AutoCloseable> resources;
    private final Optional<Supplier<Map<String, String>>> trailers;

    private Response(int status, List<Header> headers, Body body, List<AutoCloseable> resources) {
        this(status, headers, body, resources, Optional.empty());
    }

    private Response(
            int status,
            List<Header> headers,
            Body body,
            List<AutoCloseable> resources,
            Optional<Supplier<Map<String, String>>> trailers) {
        this.status = status;
        this.headers = headers;
        this.body = body;
        this.resources = resources;
        this.trailers = trailers;
    }

    /** A status without a body. */
    public static Response empty(int status) {
        return new Response(status, List.of(), new Body.Bytes(NOTHING), List.of());
    }

    public static Response noContent() {
        return empty(204);
    }

    /** 200 with a value as JSON, written strictly like {@link Json#STRICT} reads. */
    public static Response json(Object value) {
        return json(Json.STRICT, value);
    }

    /** 200 with a value as JSON. */
    public static Response json(Json json, Object value) {
        return bytes("application/json", json.write(value));
    }

    /** 200 with plain text in UTF-8. */
    public static Response text(String text) {
        return bytes("text/plain; charset=utf-8", text.getBytes(StandardCharsets.UTF_8));
    }

    /** 200 with these bytes, which must not change any more. */
    public static Response bytes(String contentType, byte[] bytes) {
        return new Response(200, List.of(new Header("Content-Type", contentType)), new Body.Bytes(bytes), List.of());
    }

    /**
     * 200 with a body of unknown length (chunked in HTTP/1.1, after which the connection closes).
     * The client's disappearance is noticed even while nothing is written.
     */
    public static Response stream(String contentType, StreamWriter writer) {
        return new Response(
                200, List.of(new Header("Content-Type", contentType)), new Body.Stream(-1, writer), List.of());
    }

    /** 200 with a body of this many bytes; a writer that writes fewer cuts the connection. */
    public static Response content(String contentType, long length, StreamWriter writer) {
        return new Response(
                200, List.of(new Header("Content-Type", contentType)), new Body.Stream(length, writer), List.of());
    }

    /** 200 with server-sent events. */
    public static Response events(EventStream.Writer writer) {
        return stream("text/event-stream; charset=utf-8", out -> {
                    out.flush();
                    writer.write(new EventStream(out));
                })
                .with("Cache-Control", "no-store")
                .with("X-Accel-Buffering", "no");
    }

    /** 200 with one JSON value a line. */
    public static Response lines(Json json, LineStream.Writer writer) {
        return stream("application/x-ndjson", out -> {
                    out.flush();
                    writer.write(new LineStream(out, json));
                })
                .with("Cache-Control", "no-store")
                .with("X-Accel-Buffering", "no");
    }

    /** Accepts a WebSocket; a request that asks for none is answered with 426. */
    public static Response webSocket(WebSocketConfig config, WebSocketHandler handler) {
        return new Response(101, List.of(), new Body.Upgrade(config, handler), List.of());
    }

    /** @param status 200 to 599 */
    public Response withStatus(int value) {
        return new Response(value, headers, body, resources, trailers);
    }

    /** Adds a header. */
    public Response with(String name, String value) {
        List<Header> more = new ArrayList<>(headers);
        more.add(new Header(name, value));
        return new Response(status, List.copyOf(more), body, resources, trailers);
    }

    /** Closes this when the response was sent, failed, or needed no body (HEAD); of a WebSocket, at its end. */
    public Response closing(AutoCloseable resource) {
        List<AutoCloseable> more = new ArrayList<>(resources);
        more.add(resource);
        return new Response(status, headers, body, List.copyOf(more), trailers);
    }

    /** Headers after the body, over HTTP/2; asked once, when the body was written. Names in lower case. */
    public Response withTrailers(Supplier<Map<String, String>> value) {
        return new Response(status, headers, body, resources, Optional.of(value));
    }

    public int status() {
        return status;
    }

    /** The first header of this name that was added; exact case. */
    public Optional<String> header(String name) {
        return headers.stream().filter(h -> h.name().equals(name)).map(Header::value).findFirst();
    }

    List<Header> headers() {
        return headers;
    }

    Body body() {
        return body;
    }

    Optional<Supplier<Map<String, String>>> trailers() {
        return trailers;
    }

    List<AutoCloseable> resources() {
        return resources;
    }
}
