package dev.atoll.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.ActivityKind;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.LifecycleRule;
import dev.atoll.domain.LifecycleRule.Action;
import dev.atoll.domain.LifecycleRule.Since;
import dev.atoll.domain.NetworkPolicy;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Resources;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.TemplateId;
import dev.atoll.domain.UnsupportedException;
import dev.atoll.engine.EngineConfig.ProjectMaxima;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The vendors' tables of rules, each as the rule engine sees it. */
class LifecycleTest {
    private static final Instant BIRTH = Instant.parse("2026-01-01T00:00:00Z");
    private static final ProjectMaxima NO_MAXIMA = new ProjectMaxima(Optional.empty(), Optional.empty());

    private final ActivityMarks activity = new ActivityMarks(BIRTH);

    @Test
    void daytonaStopsAfterFifteenIdleMinutesCountedFromTheLastUse() {
        Sandbox sandbox = sandbox(SandboxState.RUNNING, BIRTH, LifecycleRule.stopWhenIdle(Duration.ofMinutes(15)));
        assertThat(dueAt(sandbox)).contains(BIRTH.plus(Duration.ofMinutes(15)));
        activity.mark(ActivityKind.API_CALL, BIRTH.plusSeconds(600));
        assertThat(dueAt(sandbox)).contains(BIRTH.plusSeconds(1500));
    }

    @Test
    void daytonaEphemeralIsDeletedAsSoonAsItStops() {
        var rule = new LifecycleRule(SandboxState.STOPPED, Since.ENTERING_STATE, Duration.ZERO, Action.DELETE, Set.of());
        assertThat(dueAt(sandbox(SandboxState.RUNNING, BIRTH, rule))).isEmpty();
        assertThat(dueAt(sandbox(SandboxState.STOPPED, BIRTH.plusSeconds(5), rule))).contains(BIRTH.plusSeconds(5));
    }

    @Test
    void e2bDeletesFiveMinutesAfterCreationWhateverHappens() {
        var rule = new LifecycleRule(SandboxState.RUNNING, Since.CREATION, Duration.ofMinutes(5), Action.DELETE, Set.of());
        activity.mark(ActivityKind.API_CALL, BIRTH.plusSeconds(299));
        assertThat(dueAt(sandbox(SandboxState.RUNNING, BIRTH.plusSeconds(100), rule))).contains(BIRTH.plusSeconds(300));
    }

    @Test
    void modalIdleCountsOnlyTheNamedKinds() {
        var rule = new LifecycleRule(
                SandboxState.RUNNING, Since.LAST_ACTIVITY, Duration.ofMinutes(1), Action.DELETE,
                Set.of(ActivityKind.PROCESS_RUNNING, ActivityKind.STDIN, ActivityKind.TUNNEL));
        activity.mark(ActivityKind.API_CALL, BIRTH.plusSeconds(50));
        assertThat(dueAt(sandbox(SandboxState.RUNNING, BIRTH, rule))).contains(BIRTH.plusSeconds(60));
        activity.mark(ActivityKind.STDIN, BIRTH.plusSeconds(30));
        assertThat(dueAt(sandbox(SandboxState.RUNNING, BIRTH, rule))).contains(BIRTH.plusSeconds(90));
    }

    @Test
    void anOpenTunnelHoldsOffAnIdleRuleUntilItIsClosed() {
        Sandbox sandbox = sandbox(SandboxState.RUNNING, BIRTH, LifecycleRule.stopWhenIdle(Duration.ofMinutes(1)));
        activity.tunnelOpened(BIRTH);
        Instant later = BIRTH.plusSeconds(3600);
        assertThat(Lifecycle.next(sandbox, NO_MAXIMA, false, activity, later).orElseThrow().at()).isAfter(later);
        activity.tunnelClosed(later);
        assertThat(dueAt(sandbox)).contains(later.plusSeconds(60));
    }

    @Test
    void spritesPauseFirstAndStopLater() {
        var pause = new LifecycleRule(
                SandboxState.RUNNING, Since.LAST_ACTIVITY, Duration.ofSeconds(30), Action.PAUSE, Set.of());
        var stop = new LifecycleRule(
                SandboxState.PAUSED, Since.ENTERING_STATE, Duration.ofMinutes(10), Action.STOP, Set.of());
        assertThat(next(sandbox(SandboxState.RUNNING, BIRTH, pause, stop))).map(d -> d.rule().action()).contains(Action.PAUSE);
        Instant paused = BIRTH.plusSeconds(30);
        assertThat(dueAt(sandbox(SandboxState.PAUSED, paused, pause, stop))).contains(paused.plusSeconds(600));
    }

    @Test
    void northflankHasNoRuleAndNoDeadline() {
        assertThat(dueAt(sandbox(SandboxState.RUNNING, BIRTH))).isEmpty();
    }

    @Test
    void aStartIsAUse() {
        Instant started = BIRTH.plus(Duration.ofDays(3));
        Sandbox sandbox = sandbox(SandboxState.RUNNING, started, LifecycleRule.stopWhenIdle(Duration.ofMinutes(15)));
        assertThat(dueAt(sandbox)).contains(started.plus(Duration.ofMinutes(15)));
    }

    @Test
    void ofTwoRulesAtTheSameInstantTheStrongerIsTaken() {
        var stop = new LifecycleRule(SandboxState.RUNNING, Since.CREATION, Duration.ofMinutes(5), Action.STOP, Set.of());
        var delete = new LifecycleRule(SandboxState.RUNNING, Since.CREATION, Duration.ofMinutes(5), Action.DELETE, Set.of());
        assertThat(next(sandbox(SandboxState.RUNNING, BIRTH, stop, delete))).map(d -> d.rule().action()).contains(Action.DELETE);
    }

    @Test
    void theProjectsMaximaHoldForASandboxWithoutRules() {
        Sandbox sandbox = sandbox(SandboxState.RUNNING, BIRTH);
        var idle = new ProjectMaxima(Optional.of(Duration.ofHours(1)), Optional.of(Duration.ofHours(2)));
        assertThat(Lifecycle.next(sandbox, idle, false, activity, BIRTH))
                .contains(new Lifecycle.Due(LifecycleRule.stopWhenIdle(Duration.ofHours(1)), BIRTH.plusSeconds(3600)));
        activity.mark(ActivityKind.API_CALL, BIRTH.plusSeconds(7000));
        assertThat(Lifecycle.next(sandbox, idle, false, activity, BIRTH).orElseThrow())
                .satisfies(due -> {
                    assertThat(due.at()).isEqualTo(BIRTH.plusSeconds(7200));
                    assertThat(due.rule().action()).isEqualTo(Action.DELETE);
                });
    }

    @Test
    void hibernationIsRefusedAndArchivingWaits() {
        var hibernate = new LifecycleRule(
                SandboxState.RUNNING, Since.LAST_ACTIVITY, Duration.ofMinutes(5), Action.HIBERNATE, Set.of());
        assertThatThrownBy(() -> Lifecycle.checkSupported(List.of(hibernate), Isolation.CONTAINER, false))
                .isInstanceOf(UnsupportedException.class)
                .hasMessageContaining("HIBERNATE");
        var archive = new LifecycleRule(
                SandboxState.STOPPED, Since.ENTERING_STATE, Duration.ofDays(7), Action.ARCHIVE, Set.of());
        Lifecycle.checkSupported(List.of(hibernate), Isolation.GVISOR, false);
        assertThatThrownBy(() -> Lifecycle.checkSupported(List.of(hibernate), Isolation.GVISOR, true))
                .isInstanceOf(UnsupportedException.class)
                .hasMessageContaining("volumes");
        Lifecycle.checkSupported(List.of(archive), Isolation.CONTAINER, true);
        Sandbox stopped = sandbox(SandboxState.STOPPED, BIRTH, archive);
        assertThat(dueAt(stopped)).isEmpty();
        assertThat(Lifecycle.next(stopped, NO_MAXIMA, true, activity, BIRTH).map(Lifecycle.Due::at))
                .contains(BIRTH.plus(Duration.ofDays(7)));
    }

    private Optional<Lifecycle.Due> next(Sandbox sandbox) {
        return Lifecycle.next(sandbox, NO_MAXIMA, false, activity, BIRTH);
    }

    private Optional<Instant> dueAt(Sandbox sandbox) {
        return next(sandbox).map(Lifecycle.Due::at);
    }

    private static Sandbox sandbox(SandboxState state, Instant since, LifecycleRule... rules) {
        return new Sandbox(
                new SandboxId("0".repeat(32)), ProjectId.DEFAULT, "s", Map.of(), new TemplateId("1".repeat(32)), "base",
                Isolation.CONTAINER, new Resources(1000, Resources.GIB, Resources.GIB, 0), Map.of(), "root", "",
                NetworkPolicy.OPEN, List.of(rules), Map.of(), state, Optional.empty(), Optional.empty(), 1,
                Optional.empty(), BIRTH, since, BIRTH, Optional.empty(), Optional.empty(), List.of(), Optional.empty());
    }
}
