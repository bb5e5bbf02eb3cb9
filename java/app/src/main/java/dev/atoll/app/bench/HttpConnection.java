package dev.atoll.app.bench;

import dev.atoll.app.client.Query;
import dev.atoll.app.client.Server;
import dev.atoll.app.run.OperatorException;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * A connection that stays open, with as little of a client around it as HTTP/1.1 allows, so that what
 * is measured is the server: requests are bytes that were made before, answers of known length are
 * read into one buffer. One thread at a time.
 */
final class HttpConnection implements AutoCloseable {
    static final int BUFFER_BYTES = 256 << 10;
    private static final byte[] NO_BODY = {};
    private static final int STATUS_AT = "HTTP/1.1 ".length();
    private static final int FIRST_ERROR = 300;
    private static final byte[] END_OF_HEAD = "\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    private final Server server;
    private final String host;
    private final SocketChannel channel;
    private final ByteBuffer received = ByteBuffer.allocate(BUFFER_BYTES).flip();

    /** @param contentLength -1 when the answer does not say */
    private record Head(int status, long contentLength) {}

    private HttpConnection(Server server, String host, SocketChannel channel) {
        this.server = server;
        this.host = host;
        this.channel = channel;
    }

    static HttpConnection to(Server server) {
        URI url = URI.create(server.url());
        try {
            var channel = SocketChannel.open(new InetSocketAddress(url.getHost(), url.getPort()));
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            return new HttpConnection(server, url.getHost() + ":" + url.getPort(), channel);
        } catch (IOException e) {
            throw new UncheckedIOException("the bench cannot connect to " + url, e);
        }
    }

    /** The bytes of a request with a body of JSON, or without one when it is empty. */
    byte[] request(String method, Query query, String json) {
        byte[] body = json.isEmpty() ? NO_BODY : json.getBytes(StandardCharsets.UTF_8);
        String type = json.isEmpty() ? "" : "Content-Type: application/json\r\n";
        byte[] head = head(method, query, type, body.length).getBytes(StandardCharsets.US_ASCII);
        return ByteBuffer.allocate(head.length + body.length).put(head).put(body).array();
    }

    private String head(String method, Query query, String more, long length) {
        return method + " " + query + " HTTP/1.1\r\nHost: " + host + "\r\nAuthorization: Bearer " + server.key() + "\r\n"
                + more + "Content-Length: " + length + "\r\n\r\n";
    }

    /** @return the body; @throws OperatorException when the server refuses */
    String exchange(byte[] request) {
        try {
            send(ByteBuffer.wrap(request));
            return text(readHead());
        } catch (IOException e) {
            throw broken(e);
        }
    }

    /** @param content from its position to its limit, sent again and again up to the length */
    void upload(Query query, ByteBuffer content, long length) {
        try {
            String head = head("PUT", query, "Content-Type: application/octet-stream\r\n", length);
            send(ByteBuffer.wrap(head.getBytes(StandardCharsets.US_ASCII)));
            Repeated.write(content, length, channel);
            text(readHead());
        } catch (IOException e) {
            throw broken(e);
        }
    }

    /** Reads the answer's body to its end and forgets it. @param buffer for the bytes; @return how many came */
    long download(byte[] request, ByteBuffer buffer) {
        try {
            send(ByteBuffer.wrap(request));
            Head head = readHead();
            refuseError(head);
            int here = (int) Math.min(received.remaining(), head.contentLength);
            received.position(received.position() + here);
            long left = head.contentLength - here;
            while (left > 0) {
                buffer.clear().limit((int) Math.min(buffer.capacity(), left));
                int read = channel.read(buffer);
                if (read < 0) {
                    throw new EOFException("the server ended the answer " + left + " bytes early");
                }
                left -= read;
            }
            return head.contentLength;
        } catch (IOException e) {
            throw broken(e);
        }
    }

    /**
     * Posts JSON; the answer is lines of JSON and ends with the connection. {@link #read} gives its
     * body with the framing of HTTP.
     */
    void openStream(Query query, String json) {
        byte[] body = json.getBytes(StandardCharsets.UTF_8);
        String more = "Content-Type: application/json\r\nAccept: application/x-ndjson\r\n";
        try {
            send(ByteBuffer.wrap(head("POST", query, more, body.length).getBytes(StandardCharsets.US_ASCII)));
            send(ByteBuffer.wrap(body));
            refuseError(readHead());
        } catch (IOException e) {
            throw broken(e);
        }
    }

    /** Whatever came next, once the buffer was read. @return the buffer, empty at the end */
    ByteBuffer read() {
        try {
            if (!received.hasRemaining()) {
                received.clear();
                channel.read(received);
                received.flip();
            }
            return received;
        } catch (IOException e) {
            throw broken(e);
        }
    }

    private void send(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    private Head readHead() throws IOException {
        for (int end = endOfHead(); ; end = endOfHead()) {
            if (end >= 0) {
                String head = new String(received.array(), received.position(), end - received.position(), StandardCharsets.ISO_8859_1);
                received.position(end + END_OF_HEAD.length);
                return parse(head);
            }
            more();
        }
    }

    private int endOfHead() {
        byte[] bytes = received.array();
        for (int i = received.position(); i + END_OF_HEAD.length <= received.limit(); i++) {
            if (bytes[i] == '\r' && bytes[i + 1] == '\n' && bytes[i + 2] == '\r' && bytes[i + 3] == '\n') {
                return i;
            }
        }
        return -1;
    }

    private static Head parse(String head) {
        int status = Integer.parseInt(head.substring(STATUS_AT, STATUS_AT + 3));
        String name = "\r\ncontent-length:";
        int at = head.toLowerCase(Locale.ROOT).indexOf(name);
        if (at < 0) {
            return new Head(status, -1);
        }
        int end = head.indexOf("\r\n", at + name.length());
        return new Head(status, Long.parseLong(head.substring(at + name.length(), end < 0 ? head.length() : end).strip()));
    }

    private String text(Head head) throws IOException {
        int length = (int) Math.max(0, head.contentLength);
        while (received.remaining() < length) {
            more();
        }
        String text = new String(received.array(), received.position(), length, StandardCharsets.UTF_8);
        received.position(received.position() + length);
        if (head.status >= FIRST_ERROR) {
            throw new OperatorException("the server answered with " + head.status + ": " + text);
        }
        return text;
    }

    private void refuseError(Head head) throws IOException {
        if (head.status >= FIRST_ERROR) {
            text(head);
        }
    }

    private void more() throws IOException {
        received.compact();
        int read = channel.read(received);
        received.flip();
        if (read < 0) {
            throw new EOFException("the server closed the connection");
        }
    }

    private UncheckedIOException broken(IOException e) {
        return new UncheckedIOException("the connection of the bench broke", e);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw broken(e);
        }
    }
}
