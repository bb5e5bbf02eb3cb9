package dev.atoll.app.bench;

import java.util.Arrays;

/** Durations of one operation, in nanoseconds, sorted. */
record Sample(long[] nanos) {
    Sample {
        nanos = nanos.clone();
        Arrays.sort(nanos);
    }

    /** By the nearest rank. @param share above 0, up to 1 */
    double millis(double share) {
        int rank = (int) Math.ceil(share * nanos.length);
        return nanos[Math.max(0, rank - 1)] / 1e6;
    }

    double maxMillis() {
        return nanos[nanos.length - 1] / 1e6;
    }
}
