package dev.atoll.app.bench;

/**
 * A line of the table.
 *
 * @param who what was measured
 * @param unit of every value: {@code ms}, {@code MiB/s}, {@code MiB}
 */
record Series(String who, String unit, Sample sample) {
    static Series millis(String who, Sample sample) {
        return new Series(who, "ms", sample);
    }
}
