package dev.atoll.tests.engine;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.Isolation;
import dev.atoll.domain.LifecycleRule;
import dev.atoll.domain.LifecycleRule.Action;
import dev.atoll.domain.LifecycleRule.Since;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxChange;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SandboxState;
import dev.atoll.engine.EngineConfig;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.EachIsolation;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;

/** Rules on real sandboxes, by a clock that the tests advance. */
@EachIsolation
class RulesTest {
    @Parameter
    Isolation isolation = Isolation.CONTAINER;

    @SuppressWarnings("NullAway.Init") // before the first test of each class
    private static AtollNode node;

    @BeforeParameterizedClassInvocation
    static void start() {
        node = AtollNode.start(config -> config.withMaxima(
                new EngineConfig.ProjectMaxima(Optional.of(Duration.ofDays(2)), Optional.empty()), Map.of()));
    }

    @AfterParameterizedClassInvocation
    static void stop() {
        node.close();
    }

    @Test
    void anIdleSandboxIsPausedThenStoppedThenDeleted() {
        SandboxId id = create(
                new LifecycleRule(SandboxState.RUNNING, Since.LAST_ACTIVITY, Duration.ofSeconds(30), Action.PAUSE, Set.of()),
                new LifecycleRule(SandboxState.PAUSED, Since.ENTERING_STATE, Duration.ofMinutes(10), Action.STOP, Set.of()),
                new LifecycleRule(SandboxState.STOPPED, Since.ENTERING_STATE, Duration.ofDays(1), Action.DELETE, Set.of()));
        node.clock().advance(Duration.ofSeconds(30));
        awaitState(id, SandboxState.PAUSED);
        node.clock().advance(Duration.ofMinutes(10));
        awaitState(id, SandboxState.STOPPED);
        node.clock().advance(Duration.ofDays(1));
        Awaitility.await().untilAsserted(() -> assertThatThrownBy(() -> get(id)).isInstanceOf(NotFoundException.class));
    }

    @Test
    void aRunningProcessHoldsOffAnIdleRuleUntilItEnds() {
        SandboxId id = create(LifecycleRule.stopWhenIdle(Duration.ofMinutes(15)));
        var process = new ProcessId("held");
        node.engine().processes().startDetached(CALLER, id,
                ProcessSpec.of(List.of("/bin/sh", "-c", "read line")).withId(process).withStdin(true));
        node.clock().advance(Duration.ofMinutes(16));
        SandboxId other = create(LifecycleRule.stopWhenIdle(Duration.ofMinutes(15)));
        node.clock().advance(Duration.ofMinutes(16));
        awaitState(other, SandboxState.STOPPED);
        assertThat(get(id).state()).isEqualTo(SandboxState.RUNNING);
        node.engine().processes().input(CALLER, id, process, -1, "x\n".getBytes(StandardCharsets.UTF_8), true);
        Awaitility.await().until(
                () -> node.engine().processes().await(CALLER, id, process, Duration.ZERO).isPresent());
        node.clock().advance(Duration.ofMinutes(16));
        awaitState(id, SandboxState.STOPPED);
        delete(id);
        delete(other);
    }

    @Test
    void aNewRuleReplacesTheDeadlineOfTheOld() {
        SandboxId id = create(LifecycleRule.stopWhenIdle(Duration.ofDays(1)));
        node.engine().sandboxes().update(
                CALLER, id, SandboxChange.NOTHING.withRules(List.of(LifecycleRule.stopWhenIdle(Duration.ofMinutes(1)))));
        node.clock().advance(Duration.ofMinutes(1));
        awaitState(id, SandboxState.STOPPED);
        delete(id);
    }

    @Test
    void theProjectsMaximumHoldsForASandboxThatAskedForNone() {
        SandboxId id = create();
        node.clock().advance(Duration.ofDays(2));
        awaitState(id, SandboxState.STOPPED);
        delete(id);
    }

    private SandboxId create(LifecycleRule... rules) {
        return node.engine().sandboxes().create(CALLER, AtollNode.base(isolation).rules(List.of(rules)).build()).id();
    }

    private static Sandbox get(SandboxId id) {
        return node.engine().sandboxes().get(CALLER, id);
    }

    private static void awaitState(SandboxId id, SandboxState state) {
        Awaitility.await().until(() -> get(id).state() == state);
    }

    private static void delete(SandboxId id) {
        node.engine().sandboxes().delete(CALLER, id);
    }
}
