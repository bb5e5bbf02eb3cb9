package dev.atoll.app.observe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.app.config.Config;
import dev.atoll.app.config.Span;
import dev.atoll.app.config.TelemetryConfig;
import dev.atoll.domain.Keys;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.ProjectId;
import dev.atoll.http.Handler;
import dev.atoll.http.HttpException;
import dev.atoll.http.HttpListener;
import dev.atoll.http.ListenerConfig;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import dev.atoll.http.Router;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.proto.trace.v1.Status;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What a receiver of OTLP gets of requests to a listener, and that nothing is there when it is off. */
class TelemetryTest {
    private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
    private static final String CLIENT_SPAN = "b7ad6b7169203331";

    private static TelemetryConfig sendingTo(String endpoint) {
        return new TelemetryConfig(Optional.of(endpoint), true, 1, true, Span.parse("1h"), "atoll-test");
    }

    private static Handler routes(Keys keys) {
        return Router.builder()
                .post("/v1/keys/{name}", request -> Response.text(keys.create(
                                KeysInMemory.OPERATOR, ProjectId.DEFAULT, request.pathParameter("name"))
                        .key()
                        .id()))
                .delete("/v1/keys/{key}", request -> {
                    keys.revoke(KeysInMemory.OPERATOR, request.pathParameter("key"));
                    return Response.noContent();
                })
                .build();
    }

    private static HttpResponse<String> send(HttpListener to, String method, String path, String... headers) throws Exception {
        try (var client = HttpClient.newHttpClient()) {
            var request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + to.port() + path))
                    .method(method, HttpRequest.BodyPublishers.noBody());
            if (headers.length > 0) {
                request.headers(headers);
            }
            return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
        }
    }

    private static HttpListener listen(Handler handler) {
        return HttpListener.start(
                ListenerConfig.on("127.0.0.1", 0), handler,
                TelemetryTest::answer, new SecureRandom());
    }

    private static Response answer(Request request, Throwable error) {
        return Response.text(error.toString()).withStatus(switch (error) {
            case HttpException refused -> refused.status();
            case NotFoundException _ -> 404;
            default -> 500;
        });
    }

    @Test
    void aRequestIsASpanOfItsClientsTraceWithTheCallsOfTheDomainBelowIt() throws Exception {
        try (var receiver = new OtlpReceiver()) {
            try (var telemetry = Telemetry.start(sendingTo(receiver.endpoint()), "1.2.3", "o")) {
                Keys keys = telemetry.observed(Keys.class, new KeysInMemory());
                try (var listener = listen(telemetry.traced("native", routes(keys), TelemetryTest::answer))) {
                    assertThat(send(listener, "POST", "/v1/keys/laptop", "traceparent", "00-" + TRACE + "-" + CLIENT_SPAN + "-01", "X-Request-Id", "mine-1").body())
                            .isEqualTo("key-0");
                    assertThat(send(listener, "DELETE", "/v1/keys/nobody").statusCode()).isEqualTo(404);
                    assertThat(send(listener, "GET", "/nowhere").statusCode()).isEqualTo(404);
                }
            }
            assertThat(receiver.spans()).extracting(s -> s.getName()).containsExactlyInAnyOrder("POST /v1/keys/{name}", "keys.create", "DELETE /v1/keys/{key}", "keys.revoke", "GET");
            var request = named(receiver, "POST /v1/keys/{name}");
            assertThat(HexFormat.of().formatHex(request.getTraceId().toByteArray())).isEqualTo(TRACE);
            assertThat(HexFormat.of().formatHex(request.getParentSpanId().toByteArray())).isEqualTo(CLIENT_SPAN);
            assertThat(attributes(request)).contains("http.request.method=POST", "http.response.status_code=200", "atoll.request.id=mine-1", "atoll.face=native");
            var call = named(receiver, "keys.create");
            assertThat(call.getParentSpanId()).isEqualTo(request.getSpanId());
            assertThat(attributes(call)).contains("atoll.target=key-0", "atoll.request.id=mine-1", "atoll.project=default");
            var failed = named(receiver, "keys.revoke");
            assertThat(failed.getStatus().getCode()).isEqualTo(Status.StatusCode.STATUS_CODE_ERROR);
            assertThat(attributes(failed)).contains("error.type=dev.atoll.domain.NotFoundException");
            // A refusal is no error of the server's.
            var refused = named(receiver, "DELETE /v1/keys/{key}");
            assertThat(refused.getStatus().getCode()).isEqualTo(Status.StatusCode.STATUS_CODE_UNSET);
            assertThat(attributes(refused)).contains("http.response.status_code=404", "error.type=dev.atoll.domain.NotFoundException");
            assertThat(attributes(named(receiver, "GET"))).contains("http.response.status_code=404");
            assertThat(receiver.resource()).contains("service.name=atoll-test", "service.version=1.2.3", "service.instance.id=o");
            assertThat(receiver.spans().toString()).doesNotContain("the secret of");
        }
    }

    private static io.opentelemetry.proto.trace.v1.Span named(OtlpReceiver receiver, String name) {
        return receiver.spans().stream().filter(span -> span.getName().equals(name)).findFirst().orElseThrow();
    }

    private static List<String> attributes(io.opentelemetry.proto.trace.v1.Span span) {
        return span.getAttributesList().stream()
                .map(a -> a.getKey() + "=" + (a.getValue().hasIntValue() ? Long.toString(a.getValue().getIntValue()) : a.getValue().getStringValue()))
                .toList();
    }

    @Test
    void metricsComeToTheReceiverAndStayInTheRegistry() throws Exception {
        try (var receiver = new OtlpReceiver()) {
            var own = new SimpleMeterRegistry();
            try (var telemetry = Telemetry.start(sendingTo(receiver.endpoint()), "1.2.3", "o")) {
                MeterRegistry meters = telemetry.meters(own);
                meters.counter("atoll.slots.taken", "kind", "warm").increment(3);
            }
            assertThat(own.counter("atoll.slots.taken", "kind", "warm").count()).isEqualTo(3);
            var sent = receiver.metrics().stream().filter(m -> m.getName().equals("atoll.slots.taken")).findFirst().orElseThrow();
            assertThat(sent.getSum().getDataPoints(0).getAsDouble()).isEqualTo(3);
            assertThat(sent.getSum().getDataPoints(0).getAttributes(0).getValue().getStringValue()).isEqualTo("warm");
        }
    }

    @Test
    void whatIsOffIsNotThere() {
        try (var telemetry = Telemetry.start(Config.DEFAULTS.telemetry(), "1.2.3", "o")) {
            var keys = new KeysInMemory();
            Handler handler = routes(keys);
            var own = new SimpleMeterRegistry();
            assertThat(telemetry.observed(Keys.class, keys)).isSameAs(keys);
            assertThat(telemetry.traced("native", handler, TelemetryTest::answer)).isSameAs(handler);
            assertThat(telemetry.meters(own)).isSameAs(own);
        }
    }

    @Test
    void aReceiverThatIsNotThereHoldsNobodyUp() throws Exception {
        String nowhere;
        try (var gone = new OtlpReceiver()) {
            nowhere = gone.endpoint();
        }
        try (var telemetry = Telemetry.start(sendingTo(nowhere), "1.2.3", "o");
                var listener = listen(telemetry.traced("native", routes(telemetry.observed(Keys.class, new KeysInMemory())), TelemetryTest::answer))) {
            assertThat(send(listener, "POST", "/v1/keys/a").statusCode()).isEqualTo(200);
        }
    }
}
