package dev.atoll.guest;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Closes connections whose deadline passed: the only way to wake a thread that is blocked on a
 * channel. One platform thread looks at all connections four times a second, so that setting a
 * deadline costs a volatile store and no timer.
 */
final class Watchdog implements AutoCloseable {
    private static final long TICK_MILLIS = 250;

    private final Set<GuestConnection> watched = ConcurrentHashMap.newKeySet();
    private final Thread thread;

    Watchdog() {
        thread = Thread.ofPlatform().daemon().name("guest-watchdog").start(this::run);
    }

    void watch(GuestConnection connection) {
        watched.add(connection);
    }

    void forget(GuestConnection connection) {
        watched.remove(connection);
    }

    private void run() {
        try {
            while (true) {
                Thread.sleep(TICK_MILLIS);
                long now = System.nanoTime();
                watched.forEach(connection -> connection.closeIfLate(now));
            }
        } catch (InterruptedException e) {
            // close() ends this thread so.
        }
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
