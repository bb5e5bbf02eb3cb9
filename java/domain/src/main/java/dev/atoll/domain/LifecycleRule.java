package dev.atoll.domain;

import java.time.Duration;
import java.util.Set;

/**
 * "When a sandbox has been in {@code in} for {@code after}, measured from {@code since}, do
 * {@code action}". Deadlines are stored, so that a restart of the engine loses none.
 *
 * @param after 1 second to 10 years; zero only for {@link Since#ENTERING_STATE}, meaning at once
 * @param counts for {@link Since#LAST_ACTIVITY}: the kinds that count; empty means all
 */
public record LifecycleRule(
        SandboxState in, Since since, Duration after, Action action, Set<ActivityKind> counts) {
    private static final Duration LONGEST = Duration.ofDays(3653);

    /** Where the time of a rule starts. */
    public enum Since {
        LAST_ACTIVITY,
        ENTERING_STATE,
        CREATION
    }

    /** What a rule does. */
    public enum Action {
        STOP,
        PAUSE,
        HIBERNATE,
        ARCHIVE,
        DELETE
    }

    public LifecycleRule {
        counts = Set.copyOf(counts);
        boolean atOnce = after.isZero() && since == Since.ENTERING_STATE;
        if (!atOnce && (after.compareTo(Duration.ofSeconds(1)) < 0 || after.compareTo(LONGEST) > 0)) {
            throw new InvalidFieldException("rules.after", after.toString(), "1 second to 10 years");
        }
        if (in != SandboxState.RUNNING && in != SandboxState.PAUSED && in != SandboxState.STOPPED
                && in != SandboxState.HIBERNATED && in != SandboxState.ARCHIVED) {
            throw new InvalidFieldException(
                    "rules.in", in.name(), "RUNNING, PAUSED, HIBERNATED, STOPPED or ARCHIVED");
        }
    }

    /** Stop a running sandbox that was idle this long. */
    public static LifecycleRule stopWhenIdle(Duration after) {
        return new LifecycleRule(SandboxState.RUNNING, Since.LAST_ACTIVITY, after, Action.STOP, Set.of());
    }
}
