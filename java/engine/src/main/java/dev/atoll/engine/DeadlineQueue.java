package dev.atoll.engine;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands out keys when their instant has come by the injected clock, one deadline a key. The clock is
 * looked at anew at least once a second: a wall clock is stepped, a machine sleeps, and a test
 * advances its own; none of them would wake a wait for the computed remainder.
 *
 * <p>The handler runs on the queue's one thread and must not block: it hands work on.
 */
final class DeadlineQueue<K> implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DeadlineQueue.class);
    private static final long LONGEST_WAIT_MILLIS = 1000;

    /** @param order tells entries of the same instant apart */
    private record Entry<K>(K key, Instant at, long order) {}

    private final Clock clock;
    private final Consumer<K> handler;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final TreeSet<Entry<K>> entries =
            new TreeSet<>(Comparator.<Entry<K>, Instant>comparing(Entry::at).thenComparing(Entry::order));
    private final Map<K, Entry<K>> current = new HashMap<>();
    private final Thread thread;
    private long armed;
    private boolean closed;

    DeadlineQueue(String name, Clock clock, Consumer<K> handler) {
        this.clock = clock;
        this.handler = handler;
        this.thread = Thread.ofVirtual().name(name).start(this::run);
    }

    /** Sets, moves or (empty) removes the deadline of a key. */
    void arm(K key, Optional<Instant> at) {
        lock.lock();
        try {
            Entry<K> old = current.remove(key);
            if (old != null) {
                entries.remove(old);
            }
            if (at.isPresent() && !closed) {
                var entry = new Entry<>(key, at.get(), armed++);
                current.put(key, entry);
                entries.add(entry);
                if (entries.first() == entry) {
                    changed.signal();
                }
            }
        } finally {
            lock.unlock();
        }
    }

    private void run() {
        while (true) {
            K due = next();
            if (due == null) {
                return;
            }
            try {
                handler.accept(due);
            } catch (RuntimeException e) {
                LOG.error("the deadline of {} could not be handled", due, e);
            }
        }
    }

    /** Waits for the next key that is due; null when closed. */
    private @Nullable K next() {
        lock.lock();
        try {
            while (!closed) {
                if (entries.isEmpty()) {
                    changed.await();
                } else {
                    Entry<K> first = entries.first();
                    Duration left = Duration.between(clock.instant(), first.at);
                    if (!left.isPositive()) {
                        entries.pollFirst();
                        current.remove(first.key);
                        return first.key;
                    }
                    long wait = Math.clamp(left.toMillis() + 1, 1, LONGEST_WAIT_MILLIS);
                    var unused = changed.await(wait, TimeUnit.MILLISECONDS);
                }
            }
            return null;
        } catch (InterruptedException e) {
            return null;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            changed.signal();
        } finally {
            lock.unlock();
        }
        thread.interrupt();
    }
}
