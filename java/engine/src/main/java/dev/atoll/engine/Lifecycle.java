package dev.atoll.engine;

import dev.atoll.domain.Isolation;
import dev.atoll.domain.LifecycleRule;
import dev.atoll.domain.LifecycleRule.Action;
import dev.atoll.domain.LifecycleRule.Since;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.UnsupportedException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Which rule of a sandbox is next and when. Pure: all that it knows it is told, so that the vendors'
 * tables of rules can be tried without a clock or a sandbox.
 *
 * <p>Deadlines are not stored but derived from what is: the rules, the instants of creation, of the
 * last change of state and of the last use. So none can disagree with the facts it came from, and one
 * that passed while the engine was down is simply due at the next start.
 */
final class Lifecycle {
    /** A rule and the instant from which it applies. */
    record Due(LifecycleRule rule, Instant at) {}

    private Lifecycle() {}

    /**
     * The rule that comes first in the state the sandbox is in; of several at once the strongest.
     *
     * @param archives whether there is a blob store; rules of action ARCHIVE wait for one
     */
    static Optional<Due> next(
            Sandbox sandbox,
            EngineConfig.ProjectMaxima maxima,
            boolean archives,
            ActivityMarks activity,
            Instant now) {
        return inForce(sandbox, maxima).stream()
                .filter(rule -> rule.in() == sandbox.state() && (archives || rule.action() != Action.ARCHIVE))
                .map(rule -> new Due(rule, start(sandbox, rule, activity, now).plus(rule.after())))
                .min(Comparator.comparing(Due::at)
                        .thenComparing(due -> due.rule().action(), Comparator.reverseOrder()));
    }

    /**
     * Refuses rules that would promise what the sandbox's class cannot do. ARCHIVE is let through
     * also where there is no blob store, and waits: a stopped sandbox starts the same way from the pool as
     * it would from an archive.
     *
     * @throws UnsupportedException naming the action
     */
    static void checkSupported(List<LifecycleRule> rules, Isolation isolation, boolean volumes) {
        for (LifecycleRule rule : rules) {
            if (rule.action() == Action.HIBERNATE && isolation != Isolation.GVISOR) {
                throw new UnsupportedException(
                        "rules.action HIBERNATE is not supported: isolation " + isolation + " keeps no memory on disk, GVISOR does");
            }
            if (rule.action() == Action.HIBERNATE && volumes) {
                throw new UnsupportedException(
                        "rules.action HIBERNATE is not supported: memory of a sandbox with volumes cannot be saved");
            }
        }
    }

    /** The caller's rules and those that the project's maxima add. */
    private static List<LifecycleRule> inForce(Sandbox sandbox, EngineConfig.ProjectMaxima maxima) {
        var rules = new ArrayList<>(sandbox.rules());
        maxima.idle().ifPresent(idle -> {
            rules.add(LifecycleRule.stopWhenIdle(idle));
            rules.add(new LifecycleRule(SandboxState.PAUSED, Since.LAST_ACTIVITY, idle, Action.STOP, Set.of()));
        });
        maxima.lifetime().ifPresent(lifetime -> {
            for (SandboxState state : List.of(
                    SandboxState.RUNNING, SandboxState.PAUSED, SandboxState.HIBERNATED, SandboxState.STOPPED,
                    SandboxState.ARCHIVED)) {
                rules.add(new LifecycleRule(state, Since.CREATION, lifetime, Action.DELETE, Set.of()));
            }
        });
        return rules;
    }

    /** An idle rule never counts from before the state began: a start is a use. */
    private static Instant start(Sandbox sandbox, LifecycleRule rule, ActivityMarks activity, Instant now) {
        return switch (rule.since()) {
            case CREATION -> sandbox.createdAt();
            case ENTERING_STATE -> sandbox.stateSince();
            case LAST_ACTIVITY -> {
                Instant last = activity.last(rule.counts(), now);
                yield last.isBefore(sandbox.stateSince()) ? sandbox.stateSince() : last;
            }
        };
    }
}
