package dev.atoll.app.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SampleTest {
    @Test
    void quantilesAreMeasuredValuesByNearestRank() {
        var sample = new Sample(IntStream.rangeClosed(1, 100).map(i -> 101 - i).asDoubleStream().toArray());

        assertThat(sample.median()).isEqualTo(50);
        assertThat(sample.quantile(0.95)).isEqualTo(95);
        assertThat(sample.quantile(0.99)).isEqualTo(99);
        assertThat(sample.max()).isEqualTo(100);
    }

    @Test
    void valuesStayInTheOrderOfTheirMeasuring() {
        var sample = Sample.ofNanos(new long[] {3_000_000, 1_000_000, 2_500_000});

        assertThat(sample.median()).isEqualTo(2.5);
        assertThat(sample.values()).containsExactly(3, 1, 2.5);
    }

    @Test
    void oneValueIsEveryQuantile() {
        assertThat(new Sample(7).quantile(0.01)).isEqualTo(7);
        assertThat(new Sample(7).max()).isEqualTo(7);
    }

    @Test
    void nothingMeasuredIsAnError() {
        assertThatThrownBy(Sample::new).hasMessage("nothing was measured");
    }
}
