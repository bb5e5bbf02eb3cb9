package dev.atoll.engine;

import dev.atoll.domain.ActivityKind;
import dev.atoll.domain.AtollException;
import dev.atoll.domain.Entrypoint;
import dev.atoll.domain.LifecycleRule;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxState;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * When the next rule of one sandbox is due. Uses only move a deadline later, so they touch no timer:
 * the alarm is left where it was, and when it rings the deadline is computed again.
 */
final class RuleWatch {
    private static final Logger LOG = LoggerFactory.getLogger(RuleWatch.class);
    /** After a rule could not be carried out. */
    private static final Duration RETRY = Duration.ofSeconds(30);

    private final OwnerTools tools;
    private final JournalEntry entry;
    private final ActivityMarks activity;

    RuleWatch(OwnerTools tools, JournalEntry entry, ActivityMarks activity) {
        this.tools = tools;
        this.entry = entry;
        this.activity = activity;
    }

    /** Sets the alarm to the next deadline, or to none. */
    void arm() {
        arm(entry.isDeleted() ? Optional.empty() : next(tools.clock().instant()).map(Lifecycle.Due::at));
    }

    void tryAgainLater() {
        arm(Optional.of(tools.clock().instant().plus(RETRY)));
    }

    /**
     * The rule that applies now; when there is none yet, the alarm is set anew.
     *
     * @param occupancy where processes are looked for, which are use until they end
     */
    Optional<LifecycleRule> due(@Nullable Occupancy occupancy) {
        Instant now = tools.clock().instant();
        Optional<Lifecycle.Due> due = next(now).filter(d -> !d.at().isAfter(now));
        if (due.isPresent() && occupancy != null && countsProcesses(due.get().rule())) {
            lookAtProcesses(occupancy, now);
            due = next(now).filter(d -> !d.at().isAfter(now));
        }
        if (due.isEmpty()) {
            arm();
        }
        return due.map(Lifecycle.Due::rule);
    }

    private boolean countsProcesses(LifecycleRule rule) {
        return sandbox().state() == SandboxState.RUNNING
                && rule.since() == LifecycleRule.Since.LAST_ACTIVITY
                && (rule.counts().isEmpty() || rule.counts().contains(ActivityKind.PROCESS_RUNNING));
    }

    /**
     * Nobody counts processes as they come and go: when a rule is due the guest is asked, which also
     * covers detached ones and those started before this engine. The entrypoint runs as long as the
     * sandbox does and is no use of it. What the guest says is not trusted to be later than now.
     */
    private void lookAtProcesses(Occupancy occupancy, Instant now) {
        try {
            for (var process : occupancy.endpoint().processes().list(true)) {
                if (process.id().equals(Entrypoint.PROCESS)) {
                    continue;
                }
                Instant used = process.exit().map(exit -> exit.endedAt()).orElse(now);
                activity.mark(ActivityKind.PROCESS_RUNNING, used.isAfter(now) ? now : used);
            }
        } catch (AtollException e) {
            LOG.info("sandbox {}: its processes could not be listed: {}", sandbox().id(), e.getMessage());
        }
    }

    private Optional<Lifecycle.Due> next(Instant now) {
        return Lifecycle.next(
                sandbox(),
                tools.config().maximaOf(sandbox().project()),
                tools.archives().isAvailable(),
                activity,
                now);
    }

    private Sandbox sandbox() {
        return entry.get().sandbox();
    }

    private void arm(Optional<Instant> at) {
        tools.alarm().arm(sandbox().id(), at);
    }
}
