package dev.atoll.app.bench;

import java.util.Arrays;

/** Measured values of one thing, in the order of their measuring; all of one unit, at least one. */
record Sample(double... values) {
    private static final double NANOS_PER_MILLI = 1e6;

    Sample {
        if (values.length == 0) {
            throw new IllegalArgumentException("nothing was measured");
        }
        values = values.clone();
    }

    static Sample ofNanos(long[] nanos) {
        return new Sample(Arrays.stream(nanos).mapToDouble(n -> n / NANOS_PER_MILLI).toArray());
    }

    @Override
    public double[] values() {
        return values.clone();
    }

    int size() {
        return values.length;
    }

    /** By the nearest rank. @param share above 0, up to 1 */
    double quantile(double share) {
        double[] sorted = values();
        Arrays.sort(sorted);
        return sorted[Math.max(0, (int) Math.ceil(share * sorted.length) - 1)];
    }

    double median() {
        return quantile(0.5);
    }

    double max() {
        return quantile(1);
    }
}
