package dev.atoll.face.modal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.Caller;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.SandboxId;
import dev.atoll.grpc.GrpcException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Base64;
import org.junit.jupiter.api.Test;

class TokensTest {
    private static final Instant NOW = Instant.parse("2026-03-01T00:00:00Z");
    private static final SandboxId ONE = new SandboxId("00000000000000000000000000000001");
    private static final SandboxId TWO = new SandboxId("00000000000000000000000000000002");
    private static final Caller OPERATOR = new Caller(new ProjectId("team"), "key1", true);

    private static Tokens at(Instant instant, int key) {
        byte[] bytes = new byte[32];
        bytes[0] = (byte) key;
        return new Tokens(bytes, Clock.fixed(instant, ZoneOffset.UTC));
    }

    @Test
    void opensItsSandboxToItsProjectAndNoOperatorsCalls() {
        String token = at(NOW, 1).ofSandbox(OPERATOR, ONE);
        assertThat(at(NOW, 1).caller(token, ONE)).isEqualTo(new Caller(OPERATOR.project(), OPERATOR.keyId(), false));
    }

    @Test
    void clientsFindTheEndOfItsLife() {
        String payload = at(NOW, 1).ofCaller(OPERATOR).split("\\.")[1];
        String json = new String(Base64.getUrlDecoder().decode(payload), StandardCharsets.UTF_8);
        assertThat(json).contains("\"exp\":" + NOW.plus(Duration.ofMinutes(15)).getEpochSecond());
    }

    @Test
    void anyOtherIsRefused() {
        Tokens tokens = at(NOW, 1);
        String good = tokens.ofSandbox(OPERATOR, ONE);
        String[] parts = good.split("\\.");
        String forged = Base64.getUrlEncoder().withoutPadding().encodeToString(
                new String(Base64.getUrlDecoder().decode(parts[1]), StandardCharsets.UTF_8)
                        .replace(ONE.value(), TWO.value())
                        .getBytes(StandardCharsets.UTF_8));
        refused(tokens, "", ONE);
        refused(tokens, "a.b.c", ONE);
        refused(tokens, good, TWO);
        refused(tokens, tokens.ofCaller(OPERATOR), ONE);
        refused(tokens, parts[0] + "." + forged + "." + parts[2], TWO);
        refused(tokens, parts[0] + "." + parts[1] + ".", ONE);
        refused(at(NOW, 2), good, ONE);
        refused(at(NOW.plus(Duration.ofMinutes(15)), 1), good, ONE);
    }

    private static void refused(Tokens tokens, String token, SandboxId sandbox) {
        assertThatThrownBy(() -> tokens.caller(token, sandbox)).isInstanceOf(GrpcException.class);
    }
}
