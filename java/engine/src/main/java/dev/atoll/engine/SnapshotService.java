package dev.atoll.engine;

import dev.atoll.domain.ActivityKind;
import dev.atoll.domain.AtollException;
import dev.atoll.domain.Caller;
import dev.atoll.domain.ConflictException;
import dev.atoll.domain.CreateSandbox;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.LayerId;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.Operation;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.Snapshot;
import dev.atoll.domain.SnapshotId;
import dev.atoll.domain.Snapshots;
import dev.atoll.domain.UnsupportedException;
import dev.atoll.store.ArchiveRecord;
import dev.atoll.store.MakeState;
import dev.atoll.store.SnapshotRecord;
import dev.atoll.store.SnapshotStore;
import dev.atoll.warden.Warden;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.BiFunction;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Snapshots: a row MAKING, the clone in the pool, the row READY. A row that is not READY at a start is
 * taken back with what the pool has of it.
 */
final class SnapshotService implements Snapshots, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SnapshotService.class);
    private static final Duration LONGEST_KEPT = Duration.ofDays(3653);

    private final SnapshotStore store;
    private final Warden warden;
    private final SandboxRegistry registry;
    private final Ids ids;
    private final Clock clock;
    private final KillPoints killPoints;
    private final DeadlineQueue<SnapshotId> expiries;
    private final ArchiveService archives;
    /** Held while a disk is on its way between pool and blob store, or out of both. */
    private final Map<SnapshotId, Object> moves = new ConcurrentHashMap<>();
    /** Whose delete waits until the disk stands still, which it then should soon. */
    private final Set<SnapshotId> unwanted = ConcurrentHashMap.newKeySet();
    private final Set<SnapshotId> temporary = ConcurrentHashMap.newKeySet();

    SnapshotService(
            SnapshotStore store,
            Warden warden,
            SandboxRegistry registry,
            Ids ids,
            Clock clock,
            KillPoints killPoints,
            ArchiveService archives,
            Executor virtualThreads) {
        this.store = store;
        this.archives = archives;
        this.warden = warden;
        this.registry = registry;
        this.ids = ids;
        this.clock = clock;
        this.killPoints = killPoints;
        this.expiries = new DeadlineQueue<>("snapshot-expiry", clock, id -> virtualThreads.execute(() -> expire(id)));
    }

    @Override
    public Snapshot create(Caller caller, SandboxId sandboxId, Optional<String> name, Optional<Duration> keep) {
        return create(
                owner(caller, sandboxId), name, keep,
                (owner, id) -> owner.capture(new SandboxCommand.CaptureDisk(id, false)));
    }

    @Override
    public Snapshot createWithMemory(
            Caller caller, SandboxId sandboxId, Optional<String> name, Optional<Duration> keep, boolean quiesce) {
        SandboxOwner of = owner(caller, sandboxId);
        of.requireMemory();
        return create(
                of, name, keep,
                (owner, id) -> owner.capture(new SandboxCommand.CaptureMemory(id, Operation.SNAPSHOTTING, quiesce)));
    }

    private SandboxOwner owner(Caller caller, SandboxId id) {
        SandboxOwner owner = registry.require(caller, id);
        owner.use(ActivityKind.API_CALL);
        return owner;
    }

    private Snapshot create(
            SandboxOwner owner,
            Optional<String> name,
            Optional<Duration> keep,
            BiFunction<SandboxOwner, SnapshotId, Captured> capture) {
        name.ifPresent(CreateSandbox::checkName);
        keep.ifPresent(SnapshotService::checkKeep);
        var id = new SnapshotId(ids.next());
        Snapshot intended = intended(owner, id, name.orElse(id.value()), keep);
        store.insert(new SnapshotRecord(intended, MakeState.MAKING));
        killPoints.reached(KillPoint.SNAPSHOT_REQUESTED);
        try {
            Captured made = capture.apply(owner, id);
            killPoints.reached(KillPoint.SNAPSHOT_MADE);
            Snapshot ready = new Snapshot(
                    id, intended.project(), intended.name(), intended.sandbox(), intended.template(),
                    intended.layers(), made.diskBytes(), made.usedBytes(), made.blocked(), intended.createdAt(),
                    intended.expiresAt(), memoryOf(owner.view(), made), false);
            store.update(new SnapshotRecord(ready, MakeState.READY));
            killPoints.reached(KillPoint.SNAPSHOT_COMMITTED);
            expiries.arm(id, ready.expiresAt());
            return ready;
        } catch (RuntimeException e) {
            forget(id);
            throw e;
        }
    }

    private Snapshot intended(SandboxOwner owner, SnapshotId id, String name, Optional<Duration> keep) {
        Sandbox of = owner.view();
        Instant now = clock.instant();
        return new Snapshot(
                id, of.project(), name, Optional.of(of.id()), of.template(), owner.record().layers(),
                of.resources().diskBytes(), 0, Duration.ZERO, now, keep.map(now::plus),
                Optional.empty(), false);
    }

    private static Optional<Snapshot.Memory> memoryOf(Sandbox sandbox, Captured made) {
        if (made.memoryBytes().isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new Snapshot.Memory(
                made.memoryBytes().getAsLong(), sandbox.isolation(), sandbox.resources().cpuMillis(),
                sandbox.resources().memoryBytes(), sandbox.env(), sandbox.user(), sandbox.workdir()));
    }

    private static void checkKeep(Duration keep) {
        if (keep.compareTo(Duration.ofSeconds(1)) < 0 || keep.compareTo(LONGEST_KEPT) > 0) {
            throw new InvalidFieldException("keep", keep.toString(), "1 second to 10 years");
        }
    }

    @Override
    public Snapshot get(Caller caller, String reference) {
        return find(caller.project(), reference).orElseThrow(() -> new NotFoundException("snapshot", reference));
    }

    /** A finished one, by id or name. */
    Optional<Snapshot> find(ProjectId project, String reference) {
        Optional<SnapshotRecord> byId = Ids.isId(reference) ? store.get(new SnapshotId(reference)) : Optional.empty();
        return byId.or(() -> store.findByName(project, reference))
                .filter(r -> isThere(r) && r.snapshot().project().equals(project))
                .map(SnapshotRecord::snapshot);
    }

    @Override
    public List<Snapshot> list(Caller caller) {
        return store.list(caller.project()).stream()
                .filter(SnapshotService::isThere)
                .map(SnapshotRecord::snapshot)
                .toList();
    }

    private static boolean isThere(SnapshotRecord record) {
        return record.state() == MakeState.READY || record.state() == MakeState.ARCHIVED;
    }

    /** On failure it stays where it is. A create that clones it at this moment may find it gone. */
    @Override
    public Snapshot archive(Caller caller, SnapshotId id) {
        synchronized (moves.computeIfAbsent(id, i -> new Object())) {
            SnapshotRecord record = store.get(id)
                    .filter(r -> isThere(r) && r.snapshot().project().equals(caller.project()))
                    .orElseThrow(() -> new NotFoundException("snapshot", id.value()));
            if (record.state() == MakeState.ARCHIVED) {
                return record.snapshot();
            }
            if (record.snapshot().memory().isPresent()) {
                throw new UnsupportedException("a snapshot with memory cannot be archived");
            }
            ArchiveRecord archive = archives.archive(id, () -> unwanted.contains(id));
            SnapshotRecord archived = record.withState(MakeState.ARCHIVED);
            store.update(archived);
            dropFromPool(id);
            archives.keepOnly(archive);
            return archived.snapshot();
        }
    }

    private void dropFromPool(SnapshotId id) {
        try {
            warden.deleteSnapshot(id);
        } catch (AtollException e) {
            LOG.warn("archived snapshot {} could not be removed from the pool for now: {}", id, e.getMessage());
        }
    }

    /**
     * The snapshot with its disk in the pool.
     *
     * @throws ConflictException when its archive is lost or altered
     */
    Snapshot inPool(Snapshot snapshot) {
        if (!snapshot.archived()) {
            return snapshot;
        }
        SnapshotId id = snapshot.id();
        synchronized (moves.computeIfAbsent(id, i -> new Object())) {
            SnapshotRecord record = store.get(id)
                    .filter(SnapshotService::isThere)
                    .orElseThrow(() -> new NotFoundException("snapshot", id.value()));
            if (record.state() == MakeState.READY) {
                return record.snapshot();
            }
            archives.restore(id, snapshot.layers(), () -> unwanted.contains(id));
            SnapshotRecord ready = record.withState(MakeState.READY);
            store.update(ready);
            return ready.snapshot();
        }
    }

    @Override
    public void delete(Caller caller, SnapshotId id) {
        Optional<SnapshotRecord> record =
                store.get(id).filter(r -> r.snapshot().project().equals(caller.project()));
        record.ifPresent(this::remove);
    }

    /** A snapshot without a row, for the time of one command: an engine that starts finds it unknown and removes it. */
    SnapshotId beginTemporary() {
        var id = new SnapshotId(ids.next());
        temporary.add(id);
        return id;
    }

    /** A temporary snapshot became a disk: there is nothing to remove. */
    void temporaryTaken(SnapshotId id) {
        temporary.remove(id);
    }

    /** Removes a temporary snapshot; what made it has no further use of it. */
    void endTemporary(SnapshotId id) {
        try {
            warden.deleteSnapshot(id);
            temporary.remove(id);
        } catch (RuntimeException e) {
            LOG.warn("temporary snapshot {} could not be removed for now: {}", id, e.getMessage());
            temporary.remove(id);
        }
    }

    /** Everything that may be in the pool rightfully. */
    Set<SnapshotId> known() {
        Set<SnapshotId> known = store.all().stream().map(r -> r.snapshot().id()).collect(Collectors.toSet());
        known.addAll(temporary);
        return known;
    }

    /** What the snapshots stand on. */
    Set<LayerId> layers() {
        return store.all().stream().flatMap(r -> r.snapshot().layers().stream()).collect(Collectors.toSet());
    }

    /** At a start: takes back what is not READY, drops rows whose disk is gone, arms the expiries. */
    void recover(Set<SnapshotId> inPool) {
        for (SnapshotRecord record : store.all()) {
            Snapshot snapshot = record.snapshot();
            if (!isThere(record)) {
                forget(snapshot.id());
            } else if (record.state() == MakeState.ARCHIVED) {
                // What an archive or a restore was cut off at.
                if (inPool.contains(snapshot.id())) {
                    dropFromPool(snapshot.id());
                }
                expiries.arm(snapshot.id(), snapshot.expiresAt());
            } else if (!inPool.contains(snapshot.id())) {
                LOG.warn("snapshot {} ({}) is not in the pool any more", snapshot.id(), snapshot.name());
                store.delete(snapshot.id());
            } else {
                expiries.arm(snapshot.id(), snapshot.expiresAt());
            }
        }
    }

    /** Removes those whose time is over; returns the bytes that were allocated to them. */
    long removeExpired() {
        return store.expired(clock.instant()).stream()
                .peek(this::remove)
                .mapToLong(r -> r.snapshot().storedBytes())
                .sum();
    }

    private void expire(SnapshotId id) {
        store.get(id).ifPresent(record -> {
            LOG.info("snapshot {} ({}) expires", id, record.snapshot().name());
            remove(record);
        });
    }

    /** Ends an archive or restore of it that is under way first: what that makes would be nobody's. */
    private void remove(SnapshotRecord record) {
        SnapshotId id = record.snapshot().id();
        expiries.arm(id, Optional.empty());
        unwanted.add(id);
        try {
            synchronized (moves.computeIfAbsent(id, i -> new Object())) {
                // As it is now: another delete may have been first.
                store.get(id).ifPresent(now -> store.update(now.withState(MakeState.DELETING)));
                forget(id);
            }
        } finally {
            unwanted.remove(id);
        }
    }

    /** Out of the pool, then the row; what fails is tried again at the next start. */
    private void forget(SnapshotId id) {
        try {
            warden.deleteSnapshot(id);
            archives.forget(id);
            store.delete(id);
            moves.remove(id);
        } catch (RuntimeException e) {
            LOG.warn("snapshot {} could not be removed for now: {}", id, e.getMessage());
        }
    }

    @Override
    public void close() {
        expiries.close();
    }
}
