package dev.atoll.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import org.junit.jupiter.api.Test;

class RequestRateTest {
    private static final Instant START = Instant.parse("2026-11-24T12:00:00Z");

    private final RequestRate rate = new RequestRate(3);

    @Test
    void aSecondsWorthAtOnceThenAsManyASecond() {
        assertThat(taken(START)).isEqualTo(3);
        assertThat(taken(START.plusMillis(100))).isZero();
        assertThat(taken(START.plusMillis(400))).isEqualTo(1);
        assertThat(taken(START.plusMillis(1400))).isEqualTo(3);
        assertThat(taken(START.plusSeconds(3600))).as("silence is not saved up").isEqualTo(3);
    }

    @Test
    void aClockThatIsSetBackStopsNobodyForLong() {
        assertThat(taken(START)).isEqualTo(3);
        Instant back = START.minusSeconds(3600);
        assertThat(taken(back)).isZero();
        assertThat(taken(back.plusSeconds(1))).isEqualTo(3);
    }

    private int taken(Instant now) {
        int taken = 0;
        while (rate.take(now)) {
            taken++;
        }
        return taken;
    }
}
