package dev.atoll.image.registry;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/** An HTTP server that answers as a test wants. */
final class FakeRegistry implements AutoCloseable {
    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final AtomicInteger asked = new AtomicInteger();

    FakeRegistry(HttpHandler handler) throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/", exchange -> {
            asked.incrementAndGet();
            try (exchange) {
                handler.handle(exchange);
            }
        });
        server.start();
    }

    static void send(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        exchange.getResponseBody().write(bytes);
    }

    String host() {
        return "127.0.0.1:" + server.getAddress().getPort();
    }

    ImageReference image() {
        return ImageReference.parse(host() + "/image:1");
    }

    int asked() {
        return asked.get();
    }

    RegistrySettings settings(int atOnce) {
        var known = new RegistrySettings.Registry(host(), true, Optional.empty(), Optional.empty());
        return new RegistrySettings(
                List.of(known), Optional.empty(), false, Duration.ofSeconds(5), Duration.ofSeconds(20), atOnce, 1L << 30);
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
