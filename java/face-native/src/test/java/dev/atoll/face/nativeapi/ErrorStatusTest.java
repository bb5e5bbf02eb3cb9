package dev.atoll.face.nativeapi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.AtollException;
import dev.atoll.domain.CapacityException;
import dev.atoll.domain.ConflictException;
import dev.atoll.domain.ForbiddenException;
import dev.atoll.domain.GuestException;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.UnavailableException;
import dev.atoll.domain.UnsupportedException;
import dev.atoll.domain.WrongStateException;
import dev.atoll.http.HttpListener;
import dev.atoll.http.ListenerConfig;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every refusal of the domain has its status and code. */
class ErrorStatusTest {
    static Stream<Arguments> refusals() {
        return Stream.of(
                Arguments.of(new NotFoundException("sandbox", "x"), 404, "\"code\":\"not_found\""),
                Arguments.of(new ConflictException("name taken"), 409, "\"code\":\"conflict\""),
                Arguments.of(
                        new WrongStateException(
                                new SandboxId(EdgeServer.ID), SandboxState.STOPPED, "exec", Set.of(SandboxState.RUNNING)),
                        409,
                        "\"state\":\"stopped\""),
                Arguments.of(new CapacityException(CapacityException.What.POOL, "full"), 503, "\"code\":\"capacity_pool\""),
                Arguments.of(new CapacityException(CapacityException.What.QUOTA, "used"), 429, "\"code\":\"capacity_quota\""),
                Arguments.of(new UnsupportedException("no gvisor"), 422, "\"code\":\"unsupported\""),
                Arguments.of(new ForbiddenException("no"), 403, "\"code\":\"forbidden\""),
                Arguments.of(new UnavailableException("warden away"), 503, "\"code\":\"unavailable\""),
                Arguments.of(new GuestException(GuestException.Code.NOT_FOUND, "no such file", "path"), 404, "\"field\":\"path\""),
                Arguments.of(new GuestException(GuestException.Code.NO_SPACE, "disk full", ""), 507, "\"code\":\"guest_no_space\""));
    }

    @ParameterizedTest
    @MethodSource("refusals")
    void isMapped(AtollException error, int status, String part) throws Exception {
        try (var listener = HttpListener.start(
                        ListenerConfig.on("127.0.0.1", 0),
                        _ -> {
                            throw error;
                        },
                        NativeApi.errors(),
                        RandomGenerator.of("L64X128MixRandom"));
                var client = HttpClient.newHttpClient()) {
            var answer = client.send(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + listener.port() + "/")).build(),
                    HttpResponse.BodyHandlers.ofString());
            assertThat(answer.statusCode()).isEqualTo(status);
            assertThat(answer.body()).contains(part);
            assertThat(answer.headers().firstValue("Retry-After").isPresent()).isEqualTo(status == 503 || status == 429);
        }
    }
}
