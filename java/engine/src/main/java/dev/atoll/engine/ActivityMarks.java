package dev.atoll.engine;

import dev.atoll.domain.ActivityKind;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * When a sandbox was last used, by kind. Written by every call without a lock; never goes back.
 * What is under way (an open tunnel) counts as use until it ends.
 */
final class ActivityMarks {
    private static final int KINDS = ActivityKind.values().length;

    private final AtomicLongArray lastMillis = new AtomicLongArray(KINDS);
    private final AtomicInteger openTunnels = new AtomicInteger();

    /** @param last of all kinds: the store keeps one instant, so that after a restart no kind seems older than it is */
    ActivityMarks(Instant last) {
        for (int i = 0; i < KINDS; i++) {
            lastMillis.set(i, last.toEpochMilli());
        }
    }

    void mark(ActivityKind kind, Instant at) {
        long millis = at.toEpochMilli();
        lastMillis.accumulateAndGet(kind.ordinal(), millis, Math::max);
    }

    void tunnelOpened(Instant at) {
        openTunnels.incrementAndGet();
        mark(ActivityKind.TUNNEL, at);
    }

    void tunnelClosed(Instant at) {
        mark(ActivityKind.TUNNEL, at);
        openTunnels.decrementAndGet();
    }

    /** The last use of any of these kinds (empty = all); {@code now} while one of them is under way. */
    Instant last(Set<ActivityKind> counts, Instant now) {
        long latest = Long.MIN_VALUE;
        for (ActivityKind kind : ActivityKind.values()) {
            if (counts.isEmpty() || counts.contains(kind)) {
                boolean underWay = kind == ActivityKind.TUNNEL && openTunnels.get() > 0;
                latest = Math.max(latest, underWay ? now.toEpochMilli() : lastMillis.get(kind.ordinal()));
            }
        }
        return Instant.ofEpochMilli(latest);
    }

    Instant last(Instant now) {
        return last(Set.of(), now);
    }
}
