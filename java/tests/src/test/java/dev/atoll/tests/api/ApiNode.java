package dev.atoll.tests.api;

import dev.atoll.domain.Caller;
import dev.atoll.domain.ProjectId;
import dev.atoll.engine.Engine;
import dev.atoll.face.nativeapi.NativeApi;
import dev.atoll.http.HttpListener;
import dev.atoll.http.Json;
import dev.atoll.http.ListenerConfig;
import dev.atoll.tests.AtollNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.security.SecureRandom;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** A node with its API, a key of the default project and one of another. */
final class ApiNode implements AutoCloseable {
    private static final Caller OPERATOR = new Caller(ProjectId.DEFAULT, "test", true);

    final AtollNode node = AtollNode.start();
    final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    final String key;
    final String strangersKey;
    private final HttpListener listener;

    record Answer(int status, JsonNode json, HttpResponse<String> http) {
        String text(String pointer) {
            return json.at(pointer).asString("");
        }
    }

    ApiNode() {
        Engine engine = node.engine();
        key = engine.keys().create(OPERATOR, ProjectId.DEFAULT, "tests").secret();
        strangersKey = engine.keys().create(OPERATOR, new ProjectId("other"), "tests").secret();
        listener = HttpListener.start(
                ListenerConfig.on("127.0.0.1", 0).withStopTimeout(Duration.ofSeconds(1)),
                NativeApi.routes(
                        new NativeApi.Domain(
                                engine.sandboxes(),
                                engine.processes(),
                                engine.files(),
                                engine.ports(),
                                engine.snapshots(),
                                engine.templates(),
                                engine.builds(),
                                engine.secrets(),
                                engine.volumes(),
                                engine.keys(),
                                engine.node()),
                        new NativeApi.Options("base", () -> "", false, () -> {})),
                NativeApi.errors(),
                new SecureRandom());
    }

    int port() {
        return listener.port();
    }

    HttpRequest.Builder request(String target) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + target))
                .timeout(Duration.ofSeconds(60))
                .header("Authorization", "Bearer " + key);
    }

    Answer send(String method, String target, @Nullable String body) throws IOException, InterruptedException {
        return send(request(target).method(method, publisher(body)));
    }

    Answer send(HttpRequest.Builder request) throws IOException, InterruptedException {
        var http = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
        boolean json = http.headers().firstValue("Content-Type").orElse("").equals("application/json");
        return new Answer(
                http.statusCode(),
                json ? Json.LENIENT.mapper().readTree(http.body()) : Json.LENIENT.mapper().createObjectNode(),
                http);
    }

    static HttpRequest.BodyPublisher publisher(@Nullable String body) {
        return body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body);
    }

    /** A new sandbox's path. */
    String sandbox() throws IOException, InterruptedException {
        Answer made = send("POST", "/v1/sandboxes", null);
        if (made.status() != 201) {
            throw new AssertionError(made.http().body());
        }
        return "/v1/sandboxes/" + made.text("/id");
    }

    WebSocket socket(String target, WebSocket.Listener events) {
        return client.newWebSocketBuilder()
                .header("Authorization", "Bearer " + key)
                .buildAsync(URI.create("ws://127.0.0.1:" + port() + target), events)
                .join();
    }

    @Override
    public void close() {
        client.shutdownNow();
        listener.close();
        node.close();
    }
}
