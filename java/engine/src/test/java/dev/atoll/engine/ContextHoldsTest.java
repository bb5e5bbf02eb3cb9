package dev.atoll.engine;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.CapacityException;
import java.util.ArrayList;
import org.junit.jupiter.api.Test;

class ContextHoldsTest {
    private final ContextHolds holds = new ContextHolds();

    @Test
    void contextsOnTheDiskAreBoundedInNumberAndEachIsReleasedOnce() {
        var held = new ArrayList<ContextHolds.Hold>();
        for (int i = 0; i < ContextHolds.MOST; i++) {
            held.add(holds.hold());
        }
        assertThatThrownBy(holds::hold).isInstanceOf(CapacityException.class).hasMessageContaining("8 builds");
        held.getFirst().close();
        held.getFirst().close();
        assertThatCode(holds::hold).doesNotThrowAnyException();
        assertThatThrownBy(holds::hold).isInstanceOf(CapacityException.class);
    }

    @Test
    void namesOfAllContextsTogetherAreBounded() {
        ContextHolds.Hold first = holds.hold();
        ContextHolds.Hold second = holds.hold();
        first.take(90 << 20);
        assertThatThrownBy(() -> second.take(10 << 20)).isInstanceOf(CapacityException.class);
        first.close();
        assertThatCode(() -> second.take(90 << 20)).doesNotThrowAnyException();
    }
}
