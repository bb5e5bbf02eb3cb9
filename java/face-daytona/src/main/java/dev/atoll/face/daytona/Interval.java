package dev.atoll.face.daytona;

import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.LifecycleRule;
import dev.atoll.domain.LifecycleRule.Action;
import dev.atoll.domain.LifecycleRule.Since;
import dev.atoll.domain.SandboxState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The vendor's three intervals in minutes and the lifecycle rules that they are. Rules of other
 * origin are left alone.
 */
enum Interval {
    /** Idle in RUNNING; 0 is never. */
    AUTO_STOP("autoStopInterval", SandboxState.RUNNING, Since.LAST_ACTIVITY, Action.STOP) {
        @Override
        Optional<Duration> after(int minutes) {
            check(minutes, 0);
            return minutes == 0 ? Optional.empty() : Optional.of(Duration.ofMinutes(minutes));
        }

        @Override
        int never() {
            return 0;
        }
    },
    /** Since the stop; 0 is the vendor's longest, 30 days. */
    AUTO_ARCHIVE("autoArchiveInterval", SandboxState.STOPPED, Since.ENTERING_STATE, Action.ARCHIVE) {
        @Override
        Optional<Duration> after(int minutes) {
            check(minutes, 0);
            return Optional.of(minutes == 0 ? VENDOR_LONGEST_ARCHIVE : Duration.ofMinutes(minutes));
        }

        @Override
        int never() {
            return 0;
        }
    },
    /** Since the stop; 0 is with the stop, a negative number is never. */
    AUTO_DELETE("autoDeleteInterval", SandboxState.STOPPED, Since.ENTERING_STATE, Action.DELETE) {
        @Override
        Optional<Duration> after(int minutes) {
            check(minutes, Integer.MIN_VALUE);
            return minutes < 0 ? Optional.empty() : Optional.of(Duration.ofMinutes(minutes));
        }

        @Override
        int never() {
            return -1;
        }
    };

    /** Ten years, the domain's longest. */
    static final int LONGEST_MINUTES = 10 * 365 * 24 * 60;

    private static final Duration VENDOR_LONGEST_ARCHIVE = Duration.ofMinutes(43_200);

    private final String field;
    private final SandboxState in;
    private final Since since;
    private final Action action;

    Interval(String field, SandboxState in, Since since, Action action) {
        this.field = field;
        this.in = in;
        this.since = since;
        this.action = action;
    }

    /** Empty when the number means never. */
    abstract Optional<Duration> after(int minutes);

    /** The number that says never. */
    abstract int never();

    /** @throws InvalidFieldException unless the number is in this interval's range */
    List<LifecycleRule> replaceIn(List<LifecycleRule> rules, int minutes) {
        Optional<Duration> after = after(minutes);
        List<LifecycleRule> result = new ArrayList<>();
        for (LifecycleRule rule : rules) {
            if (!isMine(rule)) {
                result.add(rule);
            }
        }
        after.ifPresent(d -> result.add(new LifecycleRule(in, since, d, action, Set.of())));
        return result;
    }

    /** What the rules amount to, rounded up to whole minutes. */
    int minutes(List<LifecycleRule> rules) {
        for (LifecycleRule rule : rules) {
            if (isMine(rule)) {
                return (int) ((rule.after().toSeconds() + 59) / 60);
            }
        }
        return never();
    }

    private boolean isMine(LifecycleRule rule) {
        return rule.in() == in && rule.since() == since && rule.action() == action;
    }

    void check(int minutes, int lowest) {
        if (minutes < lowest || minutes > LONGEST_MINUTES) {
            throw new InvalidFieldException(
                    field, Integer.toString(minutes), (lowest == 0 ? "0" : "any negative number") + " to " + LONGEST_MINUTES);
        }
    }
}
