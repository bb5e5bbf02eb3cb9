package dev.atoll.face.nativeapi;

import dev.atoll.domain.Caller;
import dev.atoll.domain.EnvSource;
import dev.atoll.domain.Secrets;
import java.util.List;
import java.util.Optional;

/** Finds the secrets that a request names, by id or name. */
record SecretReferences(Secrets secrets) {
    /** In the order of the request; absent = none. */
    List<EnvSource> of(Caller caller, Optional<List<String>> references) {
        return references.orElse(List.of()).stream()
                .<EnvSource>map(reference -> new EnvSource.OfSecret(secrets.get(caller, reference).id()))
                .toList();
    }
}
