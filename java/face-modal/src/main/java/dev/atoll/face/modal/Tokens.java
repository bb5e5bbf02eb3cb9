package dev.atoll.face.modal;

import dev.atoll.domain.Caller;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.SandboxId;
import dev.atoll.grpc.GrpcException;
import dev.atoll.grpc.Status;
import dev.atoll.http.Json;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Tokens of three parts as RFC 7519 has them, HS256. Clients read {@code exp} out of them and send
 * them back; what they say is believed for the signature's sake alone.
 */
final class Tokens {
    /** A client asks for a new one shortly before, or when one is refused. */
    private static final Duration LIFE = Duration.ofMinutes(15);

    private static final String ALGORITHM = "HmacSHA256";
    private static final Base64.Encoder ENCODER = Base64.getUrlEncoder().withoutPadding();
    private static final String HEADER =
            ENCODER.encodeToString("{\"alg\":\"HS256\",\"typ\":\"JWT\"}".getBytes(StandardCharsets.UTF_8));

    private final SecretKeySpec key;
    private final Clock clock;

    /** @param key at least 32 bytes; the same after a restart, since some clients keep a token to its end */
    Tokens(byte[] key, Clock clock) {
        this.key = new SecretKeySpec(key, ALGORITHM);
        this.clock = clock;
    }

    /** @param sub sandbox that the bearer may use, empty for none */
    private record Claims(String sub, String project, String key, long iat, long exp) {}

    /** Names the caller, opens nothing. */
    String ofCaller(Caller caller) {
        return issue(caller, "");
    }

    /** Opens one sandbox to whoever bears it. */
    String ofSandbox(Caller caller, SandboxId sandbox) {
        return issue(caller, sandbox.value());
    }

    private String issue(Caller caller, String subject) {
        long now = clock.instant().getEpochSecond();
        var claims = new Claims(subject, caller.project().value(), caller.keyId(), now, now + LIFE.toSeconds());
        String signed = HEADER + "." + ENCODER.encodeToString(Json.STRICT.write(claims));
        return signed + "." + ENCODER.encodeToString(signature(signed));
    }

    /**
     * Who bears the token of this sandbox.
     *
     * @throws GrpcException UNAUTHENTICATED when it is not ours, over, or of another sandbox
     */
    Caller caller(String token, SandboxId sandbox) {
        int end = token.lastIndexOf('.');
        String signed = end < 0 ? "" : token.substring(0, end);
        if (!signed.startsWith(HEADER + ".")
                || !MessageDigest.isEqual(
                        token.substring(end + 1).getBytes(StandardCharsets.UTF_8),
                        ENCODER.encodeToString(signature(signed)).getBytes(StandardCharsets.UTF_8))) {
            throw new GrpcException(Status.UNAUTHENTICATED, "the token is not one of this server");
        }
        byte[] payload = Base64.getUrlDecoder().decode(signed.substring(HEADER.length() + 1));
        Claims claims = Json.STRICT.read(payload, Claims.class);
        if (claims.exp() <= clock.instant().getEpochSecond()) {
            throw new GrpcException(Status.UNAUTHENTICATED, "the token is over");
        }
        if (!claims.sub().equals(sandbox.value())) {
            throw new GrpcException(Status.UNAUTHENTICATED, "the token is of another sandbox");
        }
        return new Caller(new ProjectId(claims.project()), claims.key(), false);
    }

    private byte[] signature(String signed) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(key);
            return mac.doFinal(signed.getBytes(StandardCharsets.US_ASCII));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java has " + ALGORITHM, e);
        }
    }
}
