package dev.atoll.store;

import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** The steps of builds that need not be run again. */
public interface BuildStepStore {
    /** Adds the step or replaces the one of this key. */
    void put(BuildStepRecord record);

    Optional<BuildStepRecord> get(String key);

    /** Of all projects, the longest unused first. */
    List<BuildStepRecord> all();

    /** Sets the last use of several; keys that are not there are left out. Never goes back in time. */
    void touch(Collection<String> keys, Instant lastUsed);

    /** Idempotent. */
    void delete(String key);
}
