package dev.atoll.engine;

import dev.atoll.domain.AtollException;
import dev.atoll.warden.SlotId;
import dev.atoll.warden.SlotKind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps slots prepared, so that a create waits for none to be made. Refilled by a fixed number of
 * threads, off the path of the creates: while one is under way, and for a moment after it, when the
 * first command in the new sandbox comes, a maker holds back, since they compete for cores and kernel
 * locks and what a caller waits for goes first. It does not hold back for ever, and hardly at all when
 * few slots are left, or a steady stream of creates would find every slot cold.
 */
final class WarmSlots implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WarmSlots.class);
    private static final long HOLD_BACK_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
    private static final long QUIET_NANOS = TimeUnit.MILLISECONDS.toNanos(15);
    private static final long FIRST_PAUSE_MILLIS = 100;
    private static final long LONGEST_PAUSE_MILLIS = 5000;

    private final int target;
    private final int threads;
    private final SlotKind kind;
    private final SlotFactory factory;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final ArrayDeque<PreparedSlot> ready = new ArrayDeque<>();
    private final List<Thread> makers = new ArrayList<>();
    private int beingMade;
    private int bootsUnderWay;
    private long lastBootEnded = System.nanoTime() - QUIET_NANOS;
    private boolean closed;

    /** @param target how many to keep; @param threads how many are made at the same time */
    WarmSlots(int target, int threads, SlotKind kind, SlotFactory factory) {
        this.target = target;
        this.threads = threads;
        this.kind = kind;
        this.factory = factory;
    }

    /** Begins to fill up; not before leftovers of an earlier engine are gone. */
    void start() {
        for (int i = 0; i < Math.min(threads, target); i++) {
            makers.add(Thread.ofVirtual().name("slot-maker-" + i).start(this::refill));
        }
    }

    /** The oldest warm slot, or empty. */
    Optional<PreparedSlot> poll() {
        lock.lock();
        try {
            PreparedSlot slot = ready.poll();
            changed.signalAll();
            return Optional.ofNullable(slot);
        } finally {
            lock.unlock();
        }
    }

    /** Someone waits for a sandbox from here until {@link #bootEnded}. */
    void bootBegan() {
        lock.lock();
        try {
            bootsUnderWay++;
        } finally {
            lock.unlock();
        }
    }

    void bootEnded() {
        lock.lock();
        try {
            bootsUnderWay--;
            lastBootEnded = System.nanoTime();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Forgets a slot that is gone; it is replaced. */
    void lost(SlotId id) {
        removeIf(slot -> slot.id().equals(id));
    }

    Set<SlotId> ids() {
        lock.lock();
        try {
            return ready.stream().map(PreparedSlot::id).collect(Collectors.toSet());
        } finally {
            lock.unlock();
        }
    }

    int size() {
        lock.lock();
        try {
            return ready.size();
        } finally {
            lock.unlock();
        }
    }

    private void removeIf(Predicate<PreparedSlot> gone) {
        List<PreparedSlot> removed;
        lock.lock();
        try {
            removed = ready.stream().filter(gone).toList();
            ready.removeAll(removed);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        // Side by side: each waits for the warden, which may be away.
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            removed.forEach(slot -> threads.execute(() -> factory.discard(slot)));
        }
    }

    private void refill() {
        long pause = FIRST_PAUSE_MILLIS;
        try {
            while (reserve()) {
                if (makeOne()) {
                    pause = FIRST_PAUSE_MILLIS;
                } else {
                    rest(pause);
                    pause = Math.min(2 * pause, LONGEST_PAUSE_MILLIS);
                }
            }
        } catch (InterruptedException e) {
            LOG.debug("slot maker ends");
        }
    }

    /** Waits until a slot is missing and reserves making it; false when closed. */
    private boolean reserve() throws InterruptedException {
        lock.lock();
        try {
            long left = HOLD_BACK_NANOS;
            while (!closed) {
                if (ready.size() + beingMade >= target) {
                    changed.await();
                    left = HOLD_BACK_NANOS;
                    continue;
                }
                long pause = Math.min(left, nanosToQuiet());
                if (pause <= 0) {
                    beingMade++;
                    return true;
                }
                left -= pause - Math.max(0, changed.awaitNanos(pause));
            }
            return false;
        } finally {
            lock.unlock();
        }
    }

    /** How long a maker should let others go first. */
    private long nanosToQuiet() {
        if (bootsUnderWay > 0) {
            return HOLD_BACK_NANOS;
        }
        if (ready.size() + beingMade <= target / 2) {
            return 0;
        }
        return QUIET_NANOS - (System.nanoTime() - lastBootEnded);
    }

    private void rest(long millis) throws InterruptedException {
        lock.lock();
        try {
            long left = TimeUnit.MILLISECONDS.toNanos(millis);
            while (!closed && left > 0) {
                left = changed.awaitNanos(left);
            }
        } finally {
            lock.unlock();
        }
    }

    private boolean makeOne() {
        Optional<PreparedSlot> made = Optional.empty();
        try {
            made = Optional.of(factory.make(kind));
        } catch (AtollException e) {
            LOG.warn("no warm slot could be made: {}", e.getMessage());
        }
        boolean late;
        lock.lock();
        try {
            beingMade--;
            late = closed;
            if (!late) {
                made.ifPresent(ready::add);
            }
        } finally {
            lock.unlock();
        }
        if (late) {
            made.ifPresent(factory::discard);
        }
        return made.isPresent();
    }

    /** Drops every slot; returns when none is left. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        for (Thread maker : makers) {
            try {
                maker.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
        removeIf(slot -> true);
    }
}
