package dev.atoll.app.bench;

import java.util.stream.DoubleStream;

/** Collects values as they are measured. One thread at a time. */
final class SampleBuilder {
    private static final double NANOS_PER_MILLI = 1e6;

    private final DoubleStream.Builder values = DoubleStream.builder();

    void add(double value) {
        values.add(value);
    }

    /** As milliseconds. */
    void addNanos(long nanos) {
        add(nanos / NANOS_PER_MILLI);
    }

    /** Once, at the end. */
    Sample build() {
        return new Sample(values.build().toArray());
    }
}
