package dev.atoll.engine;

import dev.atoll.domain.AtollException;
import dev.atoll.domain.LayerId;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.SnapshotId;
import dev.atoll.domain.UnavailableException;
import dev.atoll.store.BuildStepRecord;
import dev.atoll.store.BuildStepStore;
import dev.atoll.warden.Warden;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What steps of builds left: the disk after each, as a snapshot over the base's layers. A disk holds
 * what all steps so far wrote; the pool shares the extents, so that a step costs what it changed. So a
 * template gets one layer however many steps it had: the last one's snapshot.
 *
 * <p>A row is written after its snapshot is in the pool; a snapshot without a row is removed at the
 * next start. Steps that no build used for a week are dropped, and the longest unused beyond a number.
 * Safe from any thread.
 */
final class BuildCache {
    private static final Logger LOG = LoggerFactory.getLogger(BuildCache.class);
    private static final Duration UNUSED_KEPT = Duration.ofDays(7);
    private static final int MOST_STEPS = 1000;

    private final BuildStepStore store;
    private final Warden warden;
    private final MakingGate gate;
    private final Ids ids;
    private final Clock clock;
    private final Set<SnapshotId> makingSnapshots = ConcurrentHashMap.newKeySet();
    private final Set<LayerId> makingLayers = ConcurrentHashMap.newKeySet();
    /** Steps that a build begins its next one with: not dropped under it. */
    private final Map<SnapshotId, Integer> pinned = new ConcurrentHashMap<>();
    private final Map<String, CompletableFuture<Void>> running = new ConcurrentHashMap<>();
    private final ReentrantLock layers = new ReentrantLock();

    BuildCache(BuildStepStore store, Warden warden, MakingGate gate, Ids ids, Clock clock) {
        this.store = store;
        this.warden = warden;
        this.gate = gate;
        this.ids = ids;
        this.clock = clock;
    }

    Optional<BuildStepRecord> find(String key) {
        return store.get(key);
    }

    /**
     * Takes the turn to run a step.
     *
     * @return empty when the caller has it and must give it back with {@link #done}; else the end of the
     *     run that is under way
     */
    Optional<CompletableFuture<Void>> turn(String key) {
        return Optional.ofNullable(running.putIfAbsent(key, new CompletableFuture<>()));
    }

    void done(String key) {
        CompletableFuture<Void> mine = running.remove(key);
        if (mine != null) {
            mine.complete(null);
        }
    }

    /** An id for the disk of a step that is about to be kept: until {@link #keep} or {@link #abandon}. */
    SnapshotId begin() {
        var id = new SnapshotId(ids.next());
        makingSnapshots.add(id);
        return id;
    }

    void abandon(SnapshotId snapshot) {
        remove(snapshot);
        makingSnapshots.remove(snapshot);
    }

    /** Enters a step whose snapshot is in the pool; one of the same key before it is dropped. */
    void keep(String key, ProjectId project, SnapshotId snapshot, List<LayerId> base, long usedBytes) {
        Optional<BuildStepRecord> before = store.get(key);
        store.put(new BuildStepRecord(key, project, snapshot, base, Optional.empty(), usedBytes, clock.instant()));
        makingSnapshots.remove(snapshot);
        before.ifPresent(step -> remove(step.snapshot()));
    }

    void used(Collection<String> keys) {
        store.touch(keys, clock.instant());
    }

    void pin(SnapshotId snapshot) {
        pinned.merge(snapshot, 1, Integer::sum);
    }

    void unpin(SnapshotId snapshot) {
        pinned.computeIfPresent(snapshot, (id, count) -> count == 1 ? null : count - 1);
    }

    /** What a template stands on that ends with a step. @param bytes allocated to it */
    record Made(LayerId layer, long bytes) {}

    /**
     * The layer of a step, made when there is none yet.
     *
     * @param made called between the making and the row
     * @throws UnavailableException when the step was dropped meanwhile
     */
    Made layerOf(String key, Runnable made) {
        layers.lock();
        try {
            BuildStepRecord step = store.get(key)
                    .orElseThrow(() -> new UnavailableException("a step was dropped from the cache under its build; try again"));
            if (step.layer().isPresent()) {
                return new Made(step.layer().get(), step.usedBytes());
            }
            return makeLayer(step.snapshot(), (layer, bytes) -> {
                made.run();
                store.put(step.withLayer(Optional.of(layer)));
            });
        } finally {
            layers.unlock();
        }
    }

    @FunctionalInterface
    interface Entry {
        void enter(LayerId layer, long bytes);
    }

    /** Makes a layer of a snapshot; {@code entry} must enter it where it is found as used. */
    Made makeLayer(SnapshotId snapshot, Entry entry) {
        var layer = new LayerId(ids.next());
        makingLayers.add(layer);
        try {
            long bytes = gate.make(() -> warden.makeLayer(layer, snapshot));
            entry.enter(layer, bytes);
            return new Made(layer, bytes);
        } finally {
            makingLayers.remove(layer);
        }
    }

    /** Everything that may be in the pool rightfully. */
    Set<SnapshotId> snapshots() {
        Set<SnapshotId> known = new HashSet<>(makingSnapshots);
        store.all().forEach(step -> known.add(step.snapshot()));
        return known;
    }

    Set<LayerId> layers() {
        Set<LayerId> known = new HashSet<>(makingLayers);
        for (BuildStepRecord step : store.all()) {
            known.addAll(step.layers());
            step.layer().ifPresent(known::add);
        }
        return known;
    }

    /** At a start: rows whose disk is not in the pool are dropped. */
    void recover(Set<SnapshotId> inPool) {
        drop(step -> !inPool.contains(step.snapshot()));
    }

    /** Drops what was not used for long, and the longest unused of too many. */
    void dropUnused() {
        Instant before = clock.instant().minus(UNUSED_KEPT);
        int surplus = store.all().size() - MOST_STEPS;
        Set<String> oldest = new HashSet<>();
        store.all().stream().limit(Math.max(0, surplus)).forEach(step -> oldest.add(step.key()));
        long unused = drop(step -> step.lastUsed().isBefore(before) || oldest.contains(step.key()));
    }

    /** Drops all that no running build stands on; returns the bytes that were allocated to them. */
    long dropAll() {
        return drop(step -> true);
    }

    private long drop(Predicate<BuildStepRecord> which) {
        long bytes = 0;
        for (BuildStepRecord step : store.all()) {
            if (which.test(step) && !pinned.containsKey(step.snapshot())) {
                store.delete(step.key());
                remove(step.snapshot());
                bytes += step.usedBytes();
            }
        }
        return bytes;
    }

    /** What fails is nobody's from now on and removed at the next reconciliation. */
    private void remove(SnapshotId snapshot) {
        try {
            warden.deleteSnapshot(snapshot);
        } catch (AtollException e) {
            LOG.warn("snapshot {} of a build's step could not be removed for now: {}", snapshot, e.getMessage());
        }
    }
}
