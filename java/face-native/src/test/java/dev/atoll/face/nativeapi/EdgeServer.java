package dev.atoll.face.nativeapi;

import dev.atoll.domain.ApiKey;
import dev.atoll.domain.Caller;
import dev.atoll.domain.Builds;
import dev.atoll.domain.Files;
import dev.atoll.domain.IssuedKey;
import dev.atoll.domain.Keys;
import dev.atoll.domain.Node;
import dev.atoll.domain.Ports;
import dev.atoll.domain.Processes;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Sandboxes;
import dev.atoll.domain.Secrets;
import dev.atoll.domain.Snapshots;
import dev.atoll.domain.Templates;
import dev.atoll.domain.Volumes;
import dev.atoll.http.HttpListener;
import dev.atoll.http.Json;
import dev.atoll.http.ListenerConfig;
import dev.atoll.http.Router;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The API over a domain that nobody may reach: for what must be refused before. A call that comes
 * through is answered with 500, which no test here expects.
 */
final class EdgeServer implements AutoCloseable {
    static final String USER = "user-key";
    static final String OPERATOR = "operator-key";
    static final String ID = "0123456789abcdef0123456789abcdef";

    private final HttpListener listener = HttpListener.start(
            ListenerConfig.on("127.0.0.1", 0).withStopTimeout(Duration.ofSeconds(1)),
            router(false),
            NativeApi.errors(),
            RandomGenerator.of("L64X128MixRandom"));

    record Answer(int status, JsonNode json, HttpResponse<String> http) {
        String error(String part) {
            return json.path("error").path(part).asString("");
        }
    }

    static Router router(boolean openMetrics) {
        var domain = new NativeApi.Domain(
                unreachable(Sandboxes.class),
                unreachable(Processes.class),
                unreachable(Files.class),
                unreachable(Ports.class),
                unreachable(Snapshots.class),
                unreachable(Templates.class),
                unreachable(Builds.class),
                unreachable(Secrets.class),
                unreachable(Volumes.class),
                new TwoKeys(),
                unreachable(Node.class));
        return NativeApi.routes(domain, new NativeApi.Options("base", () -> "atoll_up 1\n", openMetrics, () -> {}));
    }

    private static <T> T unreachable(Class<T> type) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (_, method, _) -> {
            throw new IllegalStateException("the domain was reached: " + method.getName());
        }));
    }

    Answer send(String key, String method, String target, @Nullable String body, String... headers)
            throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + listener.port() + target))
                .timeout(Duration.ofSeconds(20))
                .method(
                        method,
                        body == null
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofString(body));
        if (!key.isEmpty()) {
            request.header("Authorization", "Bearer " + key);
        }
        for (int i = 0; i < headers.length; i += 2) {
            request.header(headers[i], headers[i + 1]);
        }
        // A connection of its own: one whose body was refused unread is ended by the server, and a POST
        // that just then goes out on it is not repeated by the client.
        HttpResponse<String> http;
        try (var client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
            http = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
        }
        JsonNode json = http.body().startsWith("{")
                ? Json.LENIENT.mapper().readTree(http.body())
                : Json.LENIENT.mapper().createObjectNode();
        return new Answer(http.statusCode(), json, http);
    }

    int port() {
        return listener.port();
    }

    @Override
    public void close() {
        listener.close();
    }

    /** Two keys that exist, and no way to change them. */
    private static final class TwoKeys implements Keys {
        @Override
        public Optional<Caller> authenticate(String secret) {
            return switch (secret) {
                case USER -> Optional.of(new Caller(ProjectId.DEFAULT, "u", false));
                case OPERATOR -> Optional.of(new Caller(ProjectId.DEFAULT, "o", true));
                default -> Optional.empty();
            };
        }

        @Override
        public IssuedKey create(Caller caller, ProjectId project, String name) {
            throw new IllegalStateException("the domain was reached: create");
        }

        @Override
        public List<ApiKey> list(Caller caller) {
            throw new IllegalStateException("the domain was reached: list");
        }

        @Override
        public void revoke(Caller caller, String keyId) {
            throw new IllegalStateException("the domain was reached: revoke");
        }
    }
}
