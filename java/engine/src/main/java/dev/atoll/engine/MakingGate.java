package dev.atoll.engine;

import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;

/**
 * Keeps the warden from making anything while it is audited: what is half-made looks like a leak, and
 * a repair would take it away. Makers run side by side and wait for an audit; an audit waits for them.
 * Whoever makes something enters it in the tables of what is known before it comes here.
 */
final class MakingGate {
    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock(true);

    /** Runs what adds something to kernel or pool. */
    <T> T make(Supplier<T> making) {
        return holding(lock.readLock(), making);
    }

    /** Runs while nothing is made. */
    <T> T quiet(Supplier<T> look) {
        return holding(lock.writeLock(), look);
    }

    private static <T> T holding(Lock held, Supplier<T> action) {
        held.lock();
        try {
            return action.get();
        } finally {
            held.unlock();
        }
    }
}
