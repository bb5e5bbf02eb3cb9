package dev.atoll.engine;

import dev.atoll.domain.AtollException;
import dev.atoll.domain.LayerId;
import dev.atoll.warden.SlotId;
import dev.atoll.warden.SlotKind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
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
 * Keeps slots prepared, so that a create waits for none to be made: of the kinds
 * that a {@link SlotDemand} tells. Refilled by a fixed number of threads, off the path of the creates: while one is under way, and for a moment after it, when the
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
    private final SlotFactory factory;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final List<Thread> makers = new ArrayList<>();

    // Guarded by lock.
    private final SlotDemand demand;
    /** The oldest first. */
    private final ArrayDeque<PreparedSlot> ready = new ArrayDeque<>();
    private final List<SlotKind> beingMade = new ArrayList<>();
    private int bootsUnderWay;
    private long lastBootEnded = System.nanoTime() - QUIET_NANOS;
    private boolean closed;

    /** @param target how many to keep; @param threads how many are made at the same time */
    WarmSlots(int target, int threads, SlotDemand demand, SlotFactory factory) {
        this.target = target;
        this.threads = threads;
        this.demand = demand;
        this.factory = factory;
    }

    /** Begins to fill up; not before leftovers of an earlier engine are gone. */
    void start() {
        for (int i = 0; i < Math.min(threads, target); i++) {
            makers.add(Thread.ofVirtual().name("slot-maker-" + i).start(this::refill));
        }
    }

    /** The oldest warm slot of the kind, else the oldest of its class without a root, or empty. */
    Optional<PreparedSlot> poll(SlotKind kind) {
        lock.lock();
        try {
            demand.asked(kind, System.nanoTime());
            Optional<PreparedSlot> slot = take(kind).or(() -> take(SlotKind.of(kind.isolation())));
            changed.signalAll();
            return slot;
        } finally {
            lock.unlock();
        }
    }

    private Optional<PreparedSlot> take(SlotKind kind) {
        Optional<PreparedSlot> oldest =
                ready.stream().filter(s -> s.kind().equals(kind)).findFirst();
        oldest.ifPresent(ready::remove);
        return oldest;
    }

    /** Drops every slot that stands on this layer, those under way included. */
    void forget(LayerId layer) {
        lock.lock();
        try {
            demand.forget(layer);
            while (beingMade.stream().anyMatch(kind -> kind.layers().contains(layer))) {
                changed.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
        removeIf(slot -> slot.kind().layers().contains(layer));
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
            while (true) {
                Optional<SlotKind> lacking = reserve();
                if (lacking.isEmpty()) {
                    return;
                }
                if (makeOne(lacking.get())) {
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

    /** Waits until a slot is missing and reserves making it; empty when closed. */
    private Optional<SlotKind> reserve() throws InterruptedException {
        lock.lock();
        try {
            long left = HOLD_BACK_NANOS;
            while (!closed) {
                Optional<SlotKind> lacking = lacking();
                if (lacking.isEmpty()) {
                    changed.await();
                    left = HOLD_BACK_NANOS;
                    continue;
                }
                long pause = Math.min(left, nanosToQuiet());
                if (pause <= 0) {
                    beingMade.add(lacking.get());
                    return lacking;
                }
                left -= pause - Math.max(0, changed.awaitNanos(pause));
            }
            return Optional.empty();
        } finally {
            lock.unlock();
        }
    }

    /** The kind of which most are missing. */
    private Optional<SlotKind> lacking() {
        return demand.wanted(target, System.nanoTime()).entrySet().stream()
                .filter(wanted -> missing(wanted) > 0)
                .max(Comparator.comparingInt(this::missing))
                .map(Map.Entry::getKey);
    }

    private int missing(Map.Entry<SlotKind, Integer> wanted) {
        return wanted.getValue() - count(wanted.getKey());
    }

    private int count(SlotKind kind) {
        long made = ready.stream().filter(slot -> slot.kind().equals(kind)).count();
        return Math.toIntExact(made + beingMade.stream().filter(kind::equals).count());
    }

    /** A slot that is one too many now that another is there: of a kind that is wanted less. */
    private Optional<PreparedSlot> takeSurplus() {
        if (ready.size() + beingMade.size() <= target) {
            return Optional.empty();
        }
        Map<SlotKind, Integer> wanted = demand.wanted(target, System.nanoTime());
        Optional<PreparedSlot> surplus = ready.stream()
                .filter(slot -> count(slot.kind()) > wanted.getOrDefault(slot.kind(), 0))
                .findFirst();
        surplus.ifPresent(ready::remove);
        return surplus;
    }

    /** How long a maker should let others go first. */
    private long nanosToQuiet() {
        if (bootsUnderWay > 0) {
            return HOLD_BACK_NANOS;
        }
        if (ready.size() + beingMade.size() <= target / 2) {
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

    private boolean makeOne(SlotKind kind) {
        Optional<PreparedSlot> made = Optional.empty();
        try {
            made = Optional.of(factory.make(kind));
        } catch (AtollException e) {
            LOG.warn("no warm slot could be made: {}", e.getMessage());
        }
        Optional<PreparedSlot> surplus;
        lock.lock();
        try {
            beingMade.remove(kind);
            if (closed) {
                surplus = made;
            } else {
                made.ifPresent(ready::add);
                surplus = takeSurplus();
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        surplus.ifPresent(factory::discard);
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
