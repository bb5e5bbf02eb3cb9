package dev.atoll.domain;

import java.util.List;
import java.util.Optional;

/** The API keys. Hashed at rest; compared in constant time. All methods are safe from any thread. */
public interface Keys {
    /**
     * The caller behind a secret, or empty when there is no such key or it was revoked. Counts one request.
     *
     * @throws CapacityException RATE when the project made too many in the last second
     */
    Optional<Caller> authenticate(String secret);

    /**
     * Makes a key of a project. Operators only.
     *
     * @throws ForbiddenException when the caller is no operator
     */
    IssuedKey create(Caller caller, ProjectId project, String name);

    /** All keys for an operator, else those of the caller's project; oldest first. */
    List<ApiKey> list(Caller caller);

    /**
     * Ends a key at once. Idempotent.
     *
     * @throws NotFoundException when the caller may not see such a key
     */
    void revoke(Caller caller, String keyId);
}
