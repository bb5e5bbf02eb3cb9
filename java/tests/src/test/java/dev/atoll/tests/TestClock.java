package dev.atoll.tests;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.concurrent.atomic.AtomicLong;

/** The real clock plus what a test adds, so that days pass between two statements. */
public final class TestClock extends Clock {
    private final AtomicLong aheadMillis = new AtomicLong();

    public void advance(Duration by) {
        aheadMillis.addAndGet(by.toMillis());
    }

    @Override
    public Instant instant() {
        return Instant.now().plusMillis(aheadMillis.get());
    }

    @Override
    public ZoneId getZone() {
        return systemUTC().getZone();
    }

    @Override
    public Clock withZone(ZoneId zone) {
        throw new UnsupportedOperationException("nobody asks for local time");
    }
}
