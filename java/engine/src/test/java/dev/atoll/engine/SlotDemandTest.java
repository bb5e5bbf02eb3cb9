package dev.atoll.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.Isolation;
import dev.atoll.domain.LayerId;
import dev.atoll.warden.SlotKind;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class SlotDemandTest {
    private static final SlotKind FIRST = root('a');
    private static final SlotKind SECOND = root('b');
    private final SlotDemand demand = new SlotDemand.RecentRoots();

    private static SlotKind root(char digit) {
        return new SlotKind(Isolation.CONTAINER, List.of(new LayerId(String.valueOf(digit).repeat(32))));
    }

    @Test
    void aRootThatWasAskedForOnceIsNotWorthASlot() {
        demand.asked(FIRST, 0);
        assertThat(demand.wanted(16, 1)).isEqualTo(Map.of(SlotKind.CONTAINER, 16));
        demand.asked(FIRST, 1);
        assertThat(demand.wanted(16, 2)).isEqualTo(Map.of(FIRST, 12, SlotKind.CONTAINER, 4));
    }

    @Test
    void rootsInUseShareThreeQuarters() {
        for (int i = 0; i < 2; i++) {
            demand.asked(FIRST, i);
            demand.asked(SECOND, i);
        }
        assertThat(demand.wanted(16, 2)).isEqualTo(Map.of(FIRST, 6, SECOND, 6, SlotKind.CONTAINER, 4));
        assertThat(demand.wanted(1, 2).get(SlotKind.CONTAINER)).isEqualTo(1);
        assertThat(demand.wanted(0, 2).values()).containsOnly(0);
    }

    @Test
    void aRootIsForgottenWithTimeOrWithItsLayer() {
        demand.asked(FIRST, 0);
        demand.asked(FIRST, 0);
        demand.asked(SECOND, 0);
        demand.asked(SECOND, 0);
        demand.forget(SECOND.layers().getFirst());
        assertThat(demand.wanted(16, 1)).isEqualTo(Map.of(FIRST, 12, SlotKind.CONTAINER, 4));
        assertThat(demand.wanted(16, TimeUnit.MINUTES.toNanos(11))).isEqualTo(Map.of(SlotKind.CONTAINER, 16));
    }
}
