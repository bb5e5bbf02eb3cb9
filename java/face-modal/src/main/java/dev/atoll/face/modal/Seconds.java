package dev.atoll.face.modal;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** The vendor's instants are seconds since 1970 in a double, which holds microseconds; durations in a float. */
final class Seconds {
    private static final double MICROS = 1e6;

    private Seconds() {}

    /** Never later than the instant: lists are continued strictly before what this gave. */
    static double of(Instant instant) {
        return ChronoUnit.MICROS.between(Instant.EPOCH, instant) / MICROS;
    }

    static Instant instant(double seconds) {
        return Instant.EPOCH.plus(Math.round(seconds * MICROS), ChronoUnit.MICROS);
    }

    /** Zero for what is negative or no number, at most the bound. */
    static Duration duration(float seconds, Duration most) {
        Duration asked = seconds > 0 ? Duration.ofMillis((long) (seconds * 1000.0)) : Duration.ZERO;
        return asked.compareTo(most) > 0 ? most : asked;
    }
}
