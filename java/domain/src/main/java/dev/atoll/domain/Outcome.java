package dev.atoll.domain;

import java.time.Instant;
import java.util.Optional;

/**
 * How a sandbox came to its end.
 *
 * @param exit of the entrypoint, when it ended before the sandbox did; hostile input but for its bounds
 * @param detail for people, at most 1,000 characters; empty when the kind says all
 */
public record Outcome(Kind kind, Optional<ProcessExit> exit, String detail, Instant endedAt) {
    /** Why it ended. */
    public enum Kind {
        /** Its entrypoint exited by itself or by a signal: see {@link Outcome#exit}. */
        EXITED,
        /** A rule measured from creation, or from entering a state, deleted it. */
        TIMEOUT,
        /** A rule measured from the last activity deleted it. */
        IDLE_TIMEOUT,
        /** A call deleted it. */
        TERMINATED,
        /** Its entrypoint was killed for lack of memory, or the sandbox as a whole. */
        OUT_OF_MEMORY,
        /** Its entrypoint could not be started. */
        INIT_FAILURE,
        /** Its first process or its machine went away under it. */
        LOST
    }
}
