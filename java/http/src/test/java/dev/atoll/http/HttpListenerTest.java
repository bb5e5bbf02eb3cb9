package dev.atoll.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class HttpListenerTest {
    record Greeting(String name, int times) {}

    private static final Handler ECHO = request -> {
        Greeting in = request.json(Json.STRICT, Greeting.class, 1 << 20);
        return Response.json(new Greeting(in.name() + "!", in.times() + 1)).withStatus(201).with("X-Kind", "greeting");
    };

    @Test
    void answersJsonWithStatusAndHeadersOnAVirtualThread() throws Exception {
        try (var server = new TestListener(request -> {
            assertThat(Thread.currentThread().isVirtual()).isTrue();
            return ECHO.handle(request);
        })) {
            var answer = server.send(server.request("/")
                    .POST(HttpRequest.BodyPublishers.ofString("{\"name\":\"ann\",\"times\":1}")));
            assertThat(answer.statusCode()).isEqualTo(201);
            assertThat(answer.body()).isEqualTo("{\"name\":\"ann!\",\"times\":2}");
            assertThat(answer.headers().firstValue("X-Kind")).contains("greeting");
            assertThat(answer.headers().firstValue("X-Request-Id")).hasValueSatisfying(id -> assertThat(id).hasSize(16));
        }
    }

    @Test
    void speaksHttp2ByUpgradeAndKeepsTheStreams() throws Exception {
        try (var server = new TestListener(request -> Response.text(request.method() + request.target()));
                var client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build()) {
            for (int i = 0; i < 3; i++) {
                var answer = client.send(
                        server.request("/x?n=" + i).build(), HttpResponse.BodyHandlers.ofString());
                assertThat(answer.version()).isEqualTo(HttpClient.Version.HTTP_2);
                assertThat(answer.body()).isEqualTo("GET/x?n=" + i);
            }
        }
    }

    @Test
    void errorsOfHandlersAreMapped() throws Exception {
        try (var server = new TestListener(_ -> {
            throw new HttpException(409, "taken", "that name is taken");
        })) {
            var answer = server.get("/");
            assertThat(answer.statusCode()).isEqualTo(409);
            assertThat(answer.body()).contains("\"code\":\"taken\"");
        }
    }

    @Test
    void errorBeforeTheFirstByteOfAStreamIsMapped() throws Exception {
        try (var server = new TestListener(_ -> Response.stream("text/plain", _ -> {
            throw new HttpException(404, "gone", "no such file");
        }))) {
            var answer = server.get("/");
            assertThat(answer.statusCode()).isEqualTo(404);
            assertThat(answer.headers().firstValue("Content-Type")).contains("application/json");
        }
    }

    @Test
    void errorAfterTheFirstByteOfAStreamCutsIt() throws Exception {
        try (var server = new TestListener(_ -> Response.stream("text/plain", out -> {
            out.write("part".getBytes(StandardCharsets.UTF_8));
            throw new IllegalStateException("broken half-way");
        }))) {
            assertThatThrownBy(() -> server.get("/")).isInstanceOf(java.io.IOException.class);
        }
    }

    @Test
    void headAnswersTheHeadersOfGetAndClosesItsResources() throws Exception {
        var closed = new CountDownLatch(1);
        Router router = Router.builder()
                .get("/file", _ -> Response.content("application/octet-stream", 5, _ -> {
                            throw new AssertionError("HEAD wants no body");
                        })
                        .closing(closed::countDown))
                .build();
        try (var server = new TestListener(router)) {
            var answer = server.send(server.request("/file").method("HEAD", HttpRequest.BodyPublishers.noBody()));
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.headers().firstValue("Content-Length")).contains("5");
            closed.await();
        }
    }

    @Test
    void moreThanTheBoundOfConcurrentRequestsIs503AndFreesAgain() throws Exception {
        var entered = new CountDownLatch(1);
        var release = new CountDownLatch(1);
        Router router = Router.builder()
                .get("/slow", _ -> {
                    entered.countDown();
                    release.await();
                    return Response.text("slow");
                })
                .get("/fast", _ -> Response.text("fast"))
                .build();
        try (var server = new TestListener(router, c -> c.withMaxConcurrentRequests(1))) {
            var slow = server.client.sendAsync(
                    server.request("/slow").build(), HttpResponse.BodyHandlers.ofString());
            entered.await();
            assertThat(server.get("/fast").statusCode()).isEqualTo(503);
            release.countDown();
            assertThat(slow.get().body()).isEqualTo("slow");
            // An answer is out a moment before its place is free.
            await().untilAsserted(() -> assertThat(server.get("/fast").body()).isEqualTo("fast"));
        }
    }

    @Test
    void aHandlerThatThinksLongerThanTheIdleTimeoutStillAnswers() throws Exception {
        try (var server = new TestListener(
                _ -> {
                    Thread.sleep(1200);
                    return Response.text("thought");
                },
                c -> c.withIdleTimeout(Duration.ofMillis(300)))) {
            assertThat(server.get("/").body()).isEqualTo("thought");
        }
    }

    @Test
    void aTakenPortIsSaid() {
        try (var server = new TestListener(_ -> Response.noContent())) {
            int port = server.listener.port();
            assertThatThrownBy(() -> new TestListener(_ -> Response.noContent(), c -> ListenerConfig.on("127.0.0.1", port)))
                    .isInstanceOf(ListenException.class)
                    .hasMessage("cannot listen on 127.0.0.1:" + port + ": Address already in use");
        }
    }

    @Test
    void stopLetsRequestsUnderWayEnd() throws Exception {
        var entered = new CountDownLatch(1);
        var release = new CountDownLatch(1);
        var server = new TestListener(
                _ -> {
                    entered.countDown();
                    release.await();
                    return Response.text("done");
                },
                c -> c.withStopTimeout(Duration.ofSeconds(20)));
        var answer = server.client.sendAsync(server.request("/").build(), HttpResponse.BodyHandlers.ofString());
        entered.await();
        Thread stopper = Thread.ofVirtual().start(server.listener::close);
        release.countDown();
        assertThat(answer.get().body()).isEqualTo("done");
        stopper.join();
        server.close();
    }
}
