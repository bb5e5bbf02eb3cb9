package dev.atoll.engine;

import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** A bucket of permits that fills evenly and holds those of one second. Safe from any thread. */
final class RequestRate {
    private final int perSecond;
    // Guarded by this.
    private double permits;
    private @Nullable Instant filled;

    RequestRate(int perSecond) {
        this.perSecond = perSecond;
        this.permits = perSecond;
    }

    /** A clock that was set back goes on from there. */
    synchronized boolean take(Instant now) {
        Instant before = filled;
        if (before == null || now.isBefore(before)) {
            filled = now;
        } else if (now.isAfter(before)) {
            double seconds = Duration.between(before, now).toNanos() / 1e9;
            permits = Math.min(perSecond, permits + seconds * perSecond);
            filled = now;
        }
        if (permits < 1) {
            return false;
        }
        permits--;
        return true;
    }
}
