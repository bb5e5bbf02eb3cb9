package dev.atoll.domain;

import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The secrets of a node; the rules of {@link Sandboxes} on threads and projects hold here too. Values
 * have the bounds of {@link CreateSandbox#checkEnv}. They are encrypted where they are stored, and are
 * in no log, no message of an exception and no answer.
 */
public interface Secrets {
    /** What a named create does when the name is taken. */
    enum IfTaken {
        /** {@link ConflictException}. */
        REFUSE,
        /** Return the one that is there, its values as they are. */
        KEEP,
        /** Give the one that is there these values; its id stays. */
        REPLACE
    }

    /** @param name 1 to 128 characters as of a sandbox */
    Secret create(Caller caller, String name, Map<String, String> values, IfTaken ifTaken);

    /** One without a name, forgotten seven days after its making or last use. */
    Secret createEphemeral(Caller caller, Map<String, String> values);

    /**
     * Changes some variables; sandboxes that run keep the values they started with.
     *
     * @param set variables to add or replace
     * @param remove variables to drop; one that is not there is no error
     */
    Secret update(Caller caller, SecretId id, Map<String, String> set, Set<String> remove);

    /** @param reference an id or a name; @throws NotFoundException */
    Secret get(Caller caller, String reference);

    /** The named ones, by name. */
    List<Secret> list(Caller caller);

    /** Idempotent. Sandboxes that were made with it keep its values. */
    void delete(Caller caller, SecretId id);
}
