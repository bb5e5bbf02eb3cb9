package dev.atoll.engine;

import dev.atoll.domain.Isolation;
import dev.atoll.domain.LayerId;
import dev.atoll.warden.SlotId;
import dev.atoll.warden.SlotKind;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The warm slots of all classes. Containers have one pool for all templates. A sandbox of gVisor takes
 * tens of times as long to start, so it is started in advance, over the layers of the templates that
 * were used lately: a few for each, and for a few templates only, since each holds some 35 MiB.
 */
final class WarmPools implements AutoCloseable {
    /** Templates for which sandboxes of gVisor are kept. */
    private static final int MOST_TEMPLATES = 4;
    /** A template that nobody used for so long has none. */
    private static final Duration KEPT_WARM = Duration.ofMinutes(15);

    private record Pool(WarmSlots slots, Instant lastUse) {}

    private final WarmSlots containers;
    private final int perTemplate;
    private final SlotFactory factory;
    private final Clock clock;
    /** By layers, the longest unused first; guarded by this. */
    private final LinkedHashMap<List<LayerId>, Pool> sentries = new LinkedHashMap<>();
    private boolean closed;

    /**
     * @param target slots of containers
     * @param perTemplate sandboxes of gVisor for each template in use, 0 = none
     */
    WarmPools(int target, int makers, int perTemplate, SlotFactory factory, Clock clock) {
        this.containers = new WarmSlots(target, makers, new SlotDemand.RecentRoots(), factory);
        this.perTemplate = perTemplate;
        this.factory = factory;
        this.clock = clock;
    }

    /** Begins to fill up; not before leftovers of an earlier engine are gone. */
    void start() {
        containers.start();
    }

    /** A warm slot for a container: with the root of these layers, else without one, or empty. */
    Optional<PreparedSlot> container(List<LayerId> layers) {
        return containers.poll(new SlotKind(Isolation.CONTAINER, layers));
    }

    /** Drops every slot that stands on this layer; returns when none does. */
    void forget(LayerId layer) {
        List<WarmSlots> ending = new ArrayList<>();
        synchronized (this) {
            sentries.entrySet().removeIf(e -> e.getKey().contains(layer) && ending.add(e.getValue().slots()));
        }
        ending.forEach(WarmSlots::close);
        containers.forget(layer);
    }

    /** A running sandbox of gVisor over these layers, or empty; more are made for the next ones. */
    Optional<PreparedSlot> sentry(List<LayerId> layers) {
        if (perTemplate == 0) {
            return Optional.empty();
        }
        List<WarmSlots> ending = new ArrayList<>();
        WarmSlots pool;
        synchronized (this) {
            if (closed) {
                return Optional.empty();
            }
            Pool known = sentries.remove(layers);
            pool = known != null ? known.slots() : begin(layers);
            sentries.putLast(List.copyOf(layers), new Pool(pool, clock.instant()));
            while (sentries.size() > MOST_TEMPLATES) {
                ending.add(sentries.pollFirstEntry().getValue().slots());
            }
        }
        endLater(ending);
        return pool.poll(new SlotKind(Isolation.GVISOR, layers));
    }

    private WarmSlots begin(List<LayerId> layers) {
        var pool = new WarmSlots(perTemplate, 1, new SlotDemand.Only(new SlotKind(Isolation.GVISOR, layers)), factory);
        pool.start();
        return pool;
    }

    /** Ends what nobody used for long. */
    void trim() {
        Instant before = clock.instant().minus(KEPT_WARM);
        List<WarmSlots> ending = new ArrayList<>();
        synchronized (this) {
            sentries.values().removeIf(pool -> pool.lastUse().isBefore(before) && ending.add(pool.slots()));
        }
        endLater(ending);
    }

    private static void endLater(List<WarmSlots> ending) {
        ending.forEach(pool -> Thread.ofVirtual().name("warm-slots-end").start(pool::close));
    }

    /** Someone waits for a sandbox from here until {@link #bootEnded}. */
    void bootBegan() {
        all().forEach(WarmSlots::bootBegan);
    }

    void bootEnded() {
        all().forEach(WarmSlots::bootEnded);
    }

    /** Forgets a slot that is gone; it is replaced. */
    void lost(SlotId id) {
        all().forEach(pool -> pool.lost(id));
    }

    Set<SlotId> ids() {
        Set<SlotId> ids = new HashSet<>();
        all().forEach(pool -> ids.addAll(pool.ids()));
        return ids;
    }

    /** Slots for containers. */
    int size() {
        return containers.size();
    }

    private List<WarmSlots> all() {
        synchronized (this) {
            return Stream.concat(Stream.of(containers), sentries.values().stream().map(Pool::slots)).toList();
        }
    }

    /** Drops every slot; returns when none is left. */
    @Override
    public void close() {
        List<WarmSlots> pools = all();
        synchronized (this) {
            closed = true;
        }
        pools.forEach(WarmSlots::close);
    }
}
