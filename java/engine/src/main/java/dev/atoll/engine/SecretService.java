package dev.atoll.engine;

import dev.atoll.domain.Caller;
import dev.atoll.domain.ConflictException;
import dev.atoll.domain.CreateSandbox;
import dev.atoll.domain.EnvSource;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Secret;
import dev.atoll.domain.SecretId;
import dev.atoll.domain.Secrets;
import dev.atoll.store.SecretRecord;
import dev.atoll.store.SecretStore;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/**
 * The secrets of all projects, and the environments made of them. Values exist in clear in memory
 * only, for the time of a call; stored they are sealed with the node's key.
 */
final class SecretService implements Secrets {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final TypeReference<Map<String, String>> VALUES = new TypeReference<>() {};
    private static final Duration EPHEMERAL_KEPT = Duration.ofDays(7);
    /** A use of an ephemeral secret is written once it moves the expiry by this much. */
    private static final Duration USE_WRITTEN = Duration.ofHours(1);
    private static final String SANDBOX_ENV = "sandbox environment";

    private final SecretStore store;
    private final NodeKey key;
    private final Ids ids;
    private final Clock clock;
    /** Held while a secret is read in order to be changed. */
    private final ReentrantLock changing = new ReentrantLock();

    SecretService(SecretStore store, NodeKey key, Ids ids, Clock clock) {
        this.store = store;
        this.key = key;
        this.ids = ids;
        this.clock = clock;
    }

    @Override
    public Secret create(Caller caller, String name, Map<String, String> values, IfTaken ifTaken) {
        CreateSandbox.checkName(name);
        CreateSandbox.checkEnv(values);
        changing.lock();
        try {
            Optional<Secret> there = store.findByName(caller.project(), name).map(SecretRecord::secret);
            if (there.isEmpty()) {
                return put(fresh(caller, Optional.of(name), Optional.empty()), values);
            }
            return switch (ifTaken) {
                case REFUSE -> throw new ConflictException("a secret named '" + name + "' exists");
                case KEEP -> there.get();
                case REPLACE -> put(there.get(), values);
            };
        } finally {
            changing.unlock();
        }
    }

    @Override
    public Secret createEphemeral(Caller caller, Map<String, String> values) {
        CreateSandbox.checkEnv(values);
        return put(fresh(caller, Optional.empty(), Optional.of(clock.instant().plus(EPHEMERAL_KEPT))), values);
    }

    private Secret fresh(Caller caller, Optional<String> name, Optional<Instant> expiresAt) {
        Instant now = clock.instant();
        return new Secret(new SecretId(ids.next()), caller.project(), name, Set.of(), now, now, expiresAt);
    }

    /** Stores it with these values. */
    private Secret put(Secret secret, Map<String, String> values) {
        Secret next = new Secret(
                secret.id(), secret.project(), secret.name(), values.keySet(), secret.createdAt(), clock.instant(),
                secret.expiresAt());
        store.put(new SecretRecord(next, key.seal(purposeOf(next.id()), JSON.writeValueAsString(values))));
        return next;
    }

    /** A sealed text belongs to its row: moved to another it cannot be opened. */
    private static String purposeOf(SecretId id) {
        return "secret " + id;
    }

    @Override
    public Secret update(Caller caller, SecretId id, Map<String, String> set, Set<String> remove) {
        changing.lock();
        try {
            SecretRecord record = require(caller.project(), id);
            Map<String, String> values = new HashMap<>(valuesOf(record));
            values.keySet().removeAll(remove);
            values.putAll(set);
            CreateSandbox.checkEnv(values);
            return put(record.secret(), values);
        } finally {
            changing.unlock();
        }
    }

    @Override
    public Secret get(Caller caller, String reference) {
        Optional<SecretRecord> byId =
                Ids.isId(reference) ? store.get(new SecretId(reference)) : Optional.empty();
        return byId.filter(record -> isOf(caller.project(), record))
                .or(() -> store.findByName(caller.project(), reference))
                .map(SecretRecord::secret)
                .orElseThrow(() -> new NotFoundException("secret", reference));
    }

    @Override
    public List<Secret> list(Caller caller) {
        return store.named(caller.project()).stream().map(SecretRecord::secret).toList();
    }

    @Override
    public void delete(Caller caller, SecretId id) {
        store.get(id).filter(record -> isOf(caller.project(), record)).ifPresent(record -> store.delete(id));
    }

    /**
     * The variables that these sources make, later ones over earlier ones.
     *
     * @throws NotFoundException naming the secret that is not there
     */
    Map<String, String> resolve(ProjectId project, List<EnvSource> sources) {
        Map<String, String> env = new HashMap<>();
        for (EnvSource source : sources) {
            switch (source) {
                case EnvSource.Inline inline -> env.putAll(inline.values());
                case EnvSource.OfSecret of -> {
                    SecretRecord record = require(project, of.id());
                    used(record);
                    env.putAll(valuesOf(record));
                }
            }
        }
        CreateSandbox.checkEnv(env);
        return env;
    }

    private void used(SecretRecord record) {
        Secret secret = record.secret();
        Instant next = clock.instant().plus(EPHEMERAL_KEPT);
        if (secret.expiresAt().map(at -> at.plus(USE_WRITTEN).isBefore(next)).orElse(false)) {
            var later = new Secret(
                    secret.id(), secret.project(), secret.name(), secret.keys(), secret.createdAt(),
                    secret.updatedAt(), Optional.of(next));
            store.put(new SecretRecord(later, record.sealed()));
        }
    }

    private SecretRecord require(ProjectId project, SecretId id) {
        return store.get(id)
                .filter(record -> isOf(project, record))
                .orElseThrow(() -> new NotFoundException("secret", id.value()));
    }

    private boolean isOf(ProjectId project, SecretRecord record) {
        Secret secret = record.secret();
        return secret.project().equals(project)
                && secret.expiresAt().map(at -> at.isAfter(clock.instant())).orElse(true);
    }

    private Map<String, String> valuesOf(SecretRecord record) {
        return JSON.readValue(key.open(purposeOf(record.secret().id()), record.sealed()), VALUES);
    }

    /** How a sandbox's secret environment is stored with it; empty when there is none. */
    Optional<String> sealEnv(Map<String, String> env) {
        return env.isEmpty() ? Optional.empty() : Optional.of(key.seal(SANDBOX_ENV, JSON.writeValueAsString(env)));
    }

    Map<String, String> openEnv(Optional<String> sealed) {
        return sealed.map(text -> JSON.readValue(key.open(SANDBOX_ENV, text), VALUES)).orElse(Map.of());
    }

    /** A digest of values for keys of caches: equal for equal ones, useless to whoever has not the node's key. */
    String digest(Map<String, String> env) {
        return key.digest(JSON.writeValueAsString(new TreeMap<>(env)));
    }

    void purge() {
        int unused = store.purgeExpired(clock.instant());
    }
}
