package dev.atoll.tests.images;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** An HTTP server before a registry that answers as the registry does, until a test gives it a trick. */
final class Front implements AutoCloseable {
    /** Answers, or leaves it to the registry by false. */
    @FunctionalInterface
    interface Trick {
        boolean play(HttpExchange exchange, Front front) throws IOException;
    }

    private final HttpServer server;
    private final HttpClient client = HttpClient.newHttpClient();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final CountDownLatch closing = new CountDownLatch(1);
    private final List<String> seen = new CopyOnWriteArrayList<>();
    private final String upstream;
    private volatile Trick trick = (exchange, front) -> false;

    Front(String upstream) {
        this.upstream = upstream;
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.setExecutor(threads);
        server.createContext("/", this::answer);
        server.start();
    }

    String host() {
        return "127.0.0.1:" + server.getAddress().getPort();
    }

    void play(Trick next) {
        seen.clear();
        trick = next;
    }

    /** Method, path and range of what was asked since the last {@link #play}. */
    List<String> seen() {
        return List.copyOf(seen);
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            String range = Optional.ofNullable(exchange.getRequestHeaders().getFirst("Range")).orElse("");
            seen.add((exchange.getRequestMethod() + " " + exchange.getRequestURI() + " " + range).strip());
            if (!trick.play(exchange, this)) {
                HttpResponse<byte[]> real = real(exchange);
                real.headers().map().forEach((name, values) -> {
                    if (!name.equalsIgnoreCase("content-length") && !name.equalsIgnoreCase("transfer-encoding")) {
                        values.forEach(value -> exchange.getResponseHeaders().add(name, value));
                    }
                });
                send(exchange, real.statusCode(), real.body());
            }
        }
    }

    /** What the registry answers. */
    HttpResponse<byte[]> real(HttpExchange exchange) throws IOException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://" + upstream + exchange.getRequestURI()));
        for (String name : List.of("Accept", "Range")) {
            Optional.ofNullable(exchange.getRequestHeaders().getFirst(name)).ifPresent(value -> request.header(name, value));
        }
        try {
            return client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    static void send(HttpExchange exchange, int status, byte[] body) throws IOException {
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
    }

    /** Sends a part of what was announced, and then nothing. @param stall whether the connection stays open */
    void sendPart(HttpExchange exchange, HttpResponse<byte[]> real, int length, boolean stall) throws IOException {
        real.headers().firstValue("Content-Range").ifPresent(range -> exchange.getResponseHeaders().add("Content-Range", range));
        exchange.sendResponseHeaders(real.statusCode(), real.body().length);
        exchange.getResponseBody().write(real.body(), 0, length);
        exchange.getResponseBody().flush();
        if (stall) {
            try {
                closing.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public void close() {
        closing.countDown();
        server.stop(0);
        threads.close();
        client.close();
    }
}
