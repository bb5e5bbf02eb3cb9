package dev.atoll.face.daytona;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.ActivityKind;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.LifecycleRule;
import dev.atoll.domain.LifecycleRule.Action;
import dev.atoll.domain.LifecycleRule.Since;
import dev.atoll.domain.SandboxState;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class IntervalTest {
    private static final LifecycleRule FOREIGN = new LifecycleRule(
            SandboxState.RUNNING, Since.CREATION, Duration.ofHours(1), Action.DELETE, Set.of(ActivityKind.STDIN));

    @ParameterizedTest
    @EnumSource
    void minutesBecomeARuleAndComeBack(Interval interval) {
        assertThat(interval.minutes(interval.replaceIn(List.of(), 17))).isEqualTo(17);
    }

    @ParameterizedTest
    @EnumSource
    void aNewNumberReplacesTheRuleAndLeavesOthersAlone(Interval interval) {
        List<LifecycleRule> once = interval.replaceIn(List.of(FOREIGN), 5);
        List<LifecycleRule> twice = interval.replaceIn(once, 6);
        assertThat(twice).hasSize(2).contains(FOREIGN);
        assertThat(interval.minutes(twice)).isEqualTo(6);
    }

    @Test
    void idleStopIsOffAtZero() {
        assertThat(Interval.AUTO_STOP.replaceIn(List.of(LifecycleRule.stopWhenIdle(Duration.ofMinutes(3))), 0)).isEmpty();
        assertThat(Interval.AUTO_STOP.minutes(List.of())).isZero();
    }

    @Test
    void deleteIsWithTheStopAtZeroAndOffBelow() {
        assertThat(Interval.AUTO_DELETE.replaceIn(List.of(), 0))
                .containsExactly(new LifecycleRule(
                        SandboxState.STOPPED, Since.ENTERING_STATE, Duration.ZERO, Action.DELETE, Set.of()));
        assertThat(Interval.AUTO_DELETE.replaceIn(Interval.AUTO_DELETE.replaceIn(List.of(), 9), -1)).isEmpty();
        assertThat(Interval.AUTO_DELETE.minutes(List.of())).isEqualTo(-1);
    }

    @Test
    void archiveIsThirtyDaysAtZero() {
        assertThat(Interval.AUTO_ARCHIVE.minutes(Interval.AUTO_ARCHIVE.replaceIn(List.of(), 0))).isEqualTo(43_200);
    }

    @Test
    void rulesOfOthersThatAreNoWholeMinutesAreRoundedUp() {
        assertThat(Interval.AUTO_STOP.minutes(List.of(LifecycleRule.stopWhenIdle(Duration.ofSeconds(61))))).isEqualTo(2);
    }

    @Test
    void negativeIntervalsAreRefusedByName() {
        assertThatThrownBy(() -> Interval.AUTO_STOP.replaceIn(List.of(), -1))
                .isInstanceOf(InvalidFieldException.class)
                .hasMessageContaining("autoStopInterval");
        assertThatThrownBy(() -> Interval.AUTO_DELETE.replaceIn(List.of(), Integer.MAX_VALUE))
                .isInstanceOf(InvalidFieldException.class)
                .hasMessageContaining("autoDeleteInterval");
    }
}
