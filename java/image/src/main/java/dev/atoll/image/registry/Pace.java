package dev.atoll.image.registry;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/**
 * Whether what comes is fast enough to go on with: each stretch of time brings at least so many bytes.
 * One may see several connections one after the other. For one thread.
 */
final class Pace {
    /** Bytes a second. */
    private static final int LEAST_RATE = 16 << 10;
    /** Of one download, which may try several connections in it. */
    private static final Duration OF_DOWNLOADS = Duration.ofMinutes(3);

    private static final Duration OF_DOCUMENTS = Duration.ofSeconds(30);

    private final InstantSource clock;
    private final Duration stretch;
    private Instant begin;
    private long bytes;
    private boolean tooSlow;

    private Pace(InstantSource clock, Duration stretch) {
        this.clock = clock;
        this.stretch = stretch;
        this.begin = clock.instant();
    }

    static Pace ofDownload(InstantSource clock) {
        return new Pace(clock, OF_DOWNLOADS);
    }

    /** Of what is read as a whole and holds up others meanwhile. */
    static Pace ofDocument(InstantSource clock) {
        return new Pace(clock, OF_DOCUMENTS);
    }

    /** A connection stands from now on; the wait for the first is not counted. */
    void begins() {
        if (bytes == 0) {
            begin = clock.instant();
        }
    }

    /** @return false when it is too slow, from then on */
    boolean received(int more) {
        bytes += more;
        Instant now = clock.instant();
        if (!tooSlow && !now.isBefore(begin.plus(stretch))) {
            tooSlow = bytes < LEAST_RATE * stretch.toSeconds();
            begin = now;
            bytes = 0;
        }
        return !tooSlow;
    }

    boolean isTooSlow() {
        return tooSlow;
    }

    @Override
    public String toString() {
        return LEAST_RATE + " bytes a second over " + stretch.toSeconds() + " seconds";
    }
}
