package dev.atoll.image;

import dev.atoll.domain.InvalidFieldException;

/**
 * The work that patterns of a caller may cause, and room for other requests between: virtual threads are
 * not taken off their carrier, so whoever computes for long gives it up by itself. For one thread.
 */
final class Effort {
    /** Some tens of seconds; 100,000 files of 80 characters and 100 patterns take a tenth of it. */
    private static final long MOST_STEPS = 10_000_000_000L;
    private static final int BETWEEN_PAUSES = 1_000_000;

    private final String field;
    private long left;
    private int untilPause = BETWEEN_PAUSES;

    /** @param field whose patterns are refused when they are too much work */
    Effort(String field) {
        this(field, MOST_STEPS);
    }

    Effort(String field, long most) {
        this.field = field;
        this.left = most;
    }

    /**
     * Counts steps of a comparison.
     *
     * @throws InvalidFieldException when there were too many
     */
    void spend(int steps) {
        left -= steps;
        if (left < 0) {
            throw new InvalidFieldException(
                    field, "too much work for this many files", "fewer patterns, or such with fewer '*'");
        }
        untilPause -= steps;
        if (untilPause < 0) {
            untilPause = BETWEEN_PAUSES;
            Thread.yield();
        }
    }
}
