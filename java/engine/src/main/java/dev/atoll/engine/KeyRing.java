package dev.atoll.engine;

import dev.atoll.domain.ApiKey;
import dev.atoll.domain.Caller;
import dev.atoll.domain.ForbiddenException;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.IssuedKey;
import dev.atoll.domain.Keys;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.ProjectId;
import dev.atoll.store.KeyRecord;
import dev.atoll.store.KeyStore;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The API keys, cached in memory. A secret is 192 random bits, so a plain SHA-256 at rest is enough:
 * slow hashes protect what people choose. The map is asked by hash, which an attacker cannot steer
 * towards a stored one, and the hash found is compared once more in constant time.
 */
final class KeyRing implements Keys {
    private static final String PREFIX = "atoll_";
    private static final int SECRET_BYTES = 24;
    private static final int LONGEST_SECRET = 256;
    private static final String OPERATOR = "operator";

    private final KeyStore store;
    private final Clock clock;
    private final Ids ids;
    private final byte @Nullable [] operatorHash;
    private final QuotaKeeper quotas;
    private final Map<String, KeyRecord> live = new ConcurrentHashMap<>();

    /** @param operatorKeyHash as {@link EngineConfig#operatorKeyHash} */
    KeyRing(KeyStore store, Clock clock, Ids ids, Optional<String> operatorKeyHash, QuotaKeeper quotas) {
        this.store = store;
        this.clock = clock;
        this.ids = ids;
        this.quotas = quotas;
        this.operatorHash = operatorKeyHash.map(HexFormat.of()::parseHex).orElse(null);
        store.list(Optional.empty()).stream()
                .filter(record -> record.revokedAt().isEmpty())
                .forEach(record -> live.put(record.sha256(), record));
    }

    @Override
    public Optional<Caller> authenticate(String secret) {
        if (secret.isEmpty() || secret.length() > LONGEST_SECRET) {
            return Optional.empty();
        }
        byte[] hash = sha256(secret);
        if (operatorHash != null && MessageDigest.isEqual(operatorHash, hash)) {
            return Optional.of(new Caller(ProjectId.DEFAULT, OPERATOR, true));
        }
        Optional<Caller> caller = Optional.ofNullable(live.get(HexFormat.of().formatHex(hash)))
                .filter(record -> MessageDigest.isEqual(HexFormat.of().parseHex(record.sha256()), hash))
                .map(record -> new Caller(record.project(), record.id(), record.operator()));
        caller.ifPresent(known -> quotas.admitRequest(known.project()));
        return caller;
    }

    @Override
    public IssuedKey create(Caller caller, ProjectId project, String name) {
        if (!caller.operator()) {
            throw new ForbiddenException("only an operator's key may make keys");
        }
        InvalidFieldException.requireLength("name", name, 1, 128);
        String secret = PREFIX + HexFormat.of().formatHex(ids.bytes(SECRET_BYTES));
        var record = new KeyRecord(
                ids.next(), project, name, HexFormat.of().formatHex(sha256(secret)), false, clock.instant(),
                Optional.empty());
        store.insert(record);
        live.put(record.sha256(), record);
        return new IssuedKey(shown(record), secret);
    }

    @Override
    public List<ApiKey> list(Caller caller) {
        return store.list(caller.operator() ? Optional.empty() : Optional.of(caller.project())).stream()
                .map(KeyRing::shown)
                .toList();
    }

    @Override
    public void revoke(Caller caller, String keyId) {
        KeyRecord record = store.get(keyId)
                .filter(r -> caller.operator() || r.project().equals(caller.project()))
                .orElseThrow(() -> new NotFoundException("key", keyId));
        Instant now = clock.instant();
        live.remove(record.sha256());
        store.revoke(record.id(), now);
    }

    private static ApiKey shown(KeyRecord record) {
        return new ApiKey(record.id(), record.project(), record.name(), record.createdAt(), record.revokedAt());
    }

    private static byte[] sha256(String secret) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(secret.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
