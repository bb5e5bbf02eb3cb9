package dev.atoll.app.observe;

import dev.atoll.domain.ApiKey;
import dev.atoll.domain.Caller;
import dev.atoll.domain.ForbiddenException;
import dev.atoll.domain.IssuedKey;
import dev.atoll.domain.Keys;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.ProjectId;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A part of the domain that is small enough to be whole in a test. */
final class KeysInMemory implements Keys {
    static final Caller OPERATOR = new Caller(ProjectId.DEFAULT, "operator", true);

    private final List<ApiKey> keys = new ArrayList<>();

    @Override
    public synchronized Optional<Caller> authenticate(String secret) {
        return secret.equals("right") ? Optional.of(OPERATOR) : Optional.empty();
    }

    @Override
    public synchronized IssuedKey create(Caller caller, ProjectId project, String name) {
        if (!caller.operator()) {
            throw new ForbiddenException("only an operator's key may make keys");
        }
        var key = new ApiKey("key-" + keys.size(), project, name, Instant.EPOCH, Optional.empty());
        keys.add(key);
        return new IssuedKey(key, "the secret of " + name);
    }

    @Override
    public synchronized List<ApiKey> list(Caller caller) {
        return List.copyOf(keys);
    }

    @Override
    public synchronized void revoke(Caller caller, String keyId) {
        if (!keys.removeIf(key -> key.id().equals(keyId))) {
            throw new NotFoundException("key", keyId);
        }
    }
}
