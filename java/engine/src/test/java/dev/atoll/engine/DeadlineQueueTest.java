package dev.atoll.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DeadlineQueueTest {
    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

    private final SteppedClock clock = new SteppedClock(START);
    private final LinkedBlockingQueue<String> due = new LinkedBlockingQueue<>();
    private final DeadlineQueue<String> queue = new DeadlineQueue<>("test", clock, due::add);

    @AfterEach
    void close() {
        queue.close();
    }

    @Test
    void handsOutWhatIsDueInTheOrderOfItsInstants() throws Exception {
        queue.arm("later", Optional.of(START.plusSeconds(20)));
        queue.arm("sooner", Optional.of(START.plusSeconds(10)));
        queue.arm("never", Optional.of(START.plus(Duration.ofDays(1))));
        clock.advance(Duration.ofMinutes(1));
        assertThat(next()).isEqualTo("sooner");
        assertThat(next()).isEqualTo("later");
        queue.arm("past", Optional.of(START));
        assertThat(next()).isEqualTo("past");
        assertThat(due).isEmpty();
    }

    @Test
    void aMovedOrRemovedDeadlineIsNotHandedOut() throws Exception {
        queue.arm("moved", Optional.of(START.plusSeconds(10)));
        queue.arm("moved", Optional.of(START.plusSeconds(100)));
        queue.arm("removed", Optional.of(START.plusSeconds(10)));
        queue.arm("removed", Optional.empty());
        queue.arm("marker", Optional.of(START.plusSeconds(30)));
        clock.advance(Duration.ofSeconds(30));
        assertThat(next()).isEqualTo("marker");
        clock.advance(Duration.ofSeconds(70));
        assertThat(next()).isEqualTo("moved");
    }

    private String next() throws InterruptedException {
        return Optional.ofNullable(due.poll(10, TimeUnit.SECONDS)).orElse("(nothing)");
    }
}
