package dev.atoll.http;

import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;

/** A listener on a free port of the loopback and a client for it. */
final class TestListener implements AutoCloseable {
    static final ErrorMapper ERRORS = (_, error) -> error instanceof HttpException http
            ? Response.json(Map.of("code", http.code(), "message", String.valueOf(http.getMessage())))
                    .withStatus(http.status())
            : Response.json(Map.of("code", "internal", "message", String.valueOf(error))).withStatus(500);

    final HttpListener listener;
    final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    TestListener(Handler handler) {
        this(handler, UnaryOperator.identity());
    }

    TestListener(Handler handler, UnaryOperator<ListenerConfig> change) {
        ListenerConfig config = ListenerConfig.on("127.0.0.1", 0).withStopTimeout(Duration.ofSeconds(1));
        listener = HttpListener.start(change.apply(config), handler, ERRORS, RandomGenerator.of("L64X128MixRandom"));
    }

    URI uri(String target) {
        return URI.create("http://127.0.0.1:" + listener.port() + target);
    }

    HttpRequest.Builder request(String target) {
        return HttpRequest.newBuilder(uri(target)).timeout(Duration.ofSeconds(20));
    }

    HttpResponse<String> get(String target) throws IOException, InterruptedException {
        return client.send(request(target).build(), HttpResponse.BodyHandlers.ofString());
    }

    HttpResponse<String> send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    Socket socket() throws IOException {
        Socket socket = new Socket("127.0.0.1", listener.port());
        socket.setSoTimeout(20_000);
        return socket;
    }

    @Override
    public void close() {
        client.shutdownNow();
        listener.close();
    }
}
