package dev.atoll.app.observe;

import dev.atoll.domain.ApiKey;
import dev.atoll.domain.Caller;
import dev.atoll.domain.Keys;
import dev.atoll.domain.ProjectId;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** Names of keys by their ids. For one thread; reads all keys anew for an id that it has not met. */
public final class KeyNames implements Function<String, Optional<String>> {
    private static final Caller READER = new Caller(ProjectId.DEFAULT, "audit", true);

    private final Keys keys;
    private final Map<String, String> names = new HashMap<>();

    public KeyNames(Keys keys) {
        this.keys = keys;
    }

    @Override
    public Optional<String> apply(String id) {
        if (!names.containsKey(id)) {
            for (ApiKey key : keys.list(READER)) {
                names.put(key.id(), key.name());
            }
            // The operator's own has none.
            names.putIfAbsent(id, "");
        }
        return Optional.of(names.get(id)).filter(name -> !name.isEmpty());
    }
}
