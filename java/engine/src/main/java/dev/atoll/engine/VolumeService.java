package dev.atoll.engine;

import dev.atoll.domain.Caller;
import dev.atoll.domain.ConflictException;
import dev.atoll.domain.CreateSandbox;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Resources;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.Volume;
import dev.atoll.domain.VolumeId;
import dev.atoll.domain.VolumeMount;
import dev.atoll.domain.Volumes;
import dev.atoll.store.MakeState;
import dev.atoll.store.VolumeRecord;
import dev.atoll.store.VolumeStore;
import dev.atoll.warden.Disk;
import dev.atoll.warden.Warden;
import java.time.Clock;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The volumes: which there are, and who uses them. All of them are in memory, so that a create that
 * mounts some reads no row. Safe from any thread.
 *
 * <p>A delete marks the volume first and looks for users after; a create is in the registry first and
 * looks for the mark after. So of two at a time one sees the other.
 */
final class VolumeService implements Volumes {
    private static final Logger LOG = LoggerFactory.getLogger(VolumeService.class);

    private final VolumeStore store;
    private final Warden warden;
    private final MakingGate gate;
    private final SandboxRegistry registry;
    private final QuotaKeeper quotas;
    private final Ids ids;
    private final Clock clock;
    private final Map<VolumeId, VolumeRecord> records = new ConcurrentHashMap<>();

    VolumeService(
            VolumeStore store, Warden warden, MakingGate gate, SandboxRegistry registry, QuotaKeeper quotas, Ids ids,
            Clock clock) {
        this.store = store;
        this.warden = warden;
        this.gate = gate;
        this.registry = registry;
        this.quotas = quotas;
        this.ids = ids;
        this.clock = clock;
        store.all().forEach(record -> records.put(record.volume().id(), record));
    }

    @Override
    public Volume create(Caller caller, String name, long sizeBytes) {
        CreateSandbox.checkName(name);
        InvalidFieldException.requireRange("sizeBytes", sizeBytes, 256 * Resources.MIB, 1024 * Resources.GIB);
        var id = new VolumeId(ids.next());
        var intended = new Volume(id, caller.project(), name, sizeBytes, 0, clock.instant());
        var making = new VolumeRecord(intended, MakeState.MAKING);
        quotas.admitVolume(caller.project(), sizeBytes, () -> {
            store.insert(making);
            records.put(id, making);
        });
        try {
            long size = gate.make(() -> warden.createVolume(id, sizeBytes));
            var made = new Volume(id, intended.project(), name, size, 0, intended.createdAt());
            put(new VolumeRecord(made, MakeState.READY));
            return made;
        } catch (RuntimeException e) {
            forget(making);
            throw e;
        }
    }

    @Override
    public Volume get(Caller caller, String reference) {
        Volume volume = find(caller.project(), reference);
        return withUsed(List.of(volume)).getFirst();
    }

    private Volume find(ProjectId project, String reference) {
        Optional<Volume> byId = Ids.isId(reference)
                ? ready(new VolumeId(reference)).filter(volume -> volume.project().equals(project))
                : Optional.empty();
        return byId.or(() -> of(project).filter(v -> v.name().equals(reference)).findFirst())
                .orElseThrow(() -> new NotFoundException("volume", reference));
    }

    private Optional<Volume> ready(VolumeId id) {
        return Optional.ofNullable(records.get(id))
                .filter(record -> record.state() == MakeState.READY)
                .map(VolumeRecord::volume);
    }

    private java.util.stream.Stream<Volume> of(ProjectId project) {
        return records.values().stream()
                .filter(record -> record.state() == MakeState.READY)
                .map(VolumeRecord::volume)
                .filter(volume -> volume.project().equals(project));
    }

    @Override
    public List<Volume> list(Caller caller) {
        return withUsed(of(caller.project()).sorted(Comparator.comparing(Volume::name)).toList());
    }

    private List<Volume> withUsed(List<Volume> volumes) {
        if (volumes.isEmpty()) {
            return volumes;
        }
        Map<VolumeId, Long> used = warden.listAll().volumes().stream()
                .collect(Collectors.toMap(Disk::id, Disk::used, (one, same) -> one));
        return volumes.stream()
                .map(v -> new Volume(
                        v.id(), v.project(), v.name(), v.sizeBytes(), used.getOrDefault(v.id(), 0L), v.createdAt()))
                .toList();
    }

    @Override
    public void delete(Caller caller, VolumeId id) {
        VolumeRecord record = records.get(id);
        if (record == null || !record.volume().project().equals(caller.project())) {
            return;
        }
        put(record.withState(MakeState.DELETING));
        Optional<Sandbox> user = userOf(id);
        if (user.isPresent()) {
            put(record.withState(MakeState.READY));
            throw new ConflictException("volume " + record.volume().name() + " is used by sandbox "
                    + user.get().name() + " (" + user.get().id() + ")");
        }
        try {
            warden.deleteVolume(id);
        } catch (ConflictException e) {
            put(record.withState(MakeState.READY));
            throw e;
        }
        store.delete(id);
        records.remove(id);
    }

    private Optional<Sandbox> userOf(VolumeId id) {
        return registry.all().stream()
                .filter(owner -> !owner.isDeleted())
                .map(owner -> owner.record().sandbox())
                .filter(sandbox -> sandbox.volumes().stream().anyMatch(mount -> mount.volume().equals(id)))
                .findFirst();
    }

    /** @throws NotFoundException when the project has no such volume */
    List<VolumeMount> resolve(ProjectId project, List<VolumeMount.Request> requests) {
        Function<VolumeMount.Request, VolumeMount> mount = r ->
                new VolumeMount(find(project, r.reference()).id(), r.path(), r.readOnly(), r.subpath());
        return requests.stream().map(mount).toList();
    }

    /**
     * Of a sandbox that is in the registry.
     *
     * @throws NotFoundException when one is being deleted
     */
    void requireAll(List<VolumeMount> mounts) {
        for (VolumeMount mount : mounts) {
            if (ready(mount.volume()).isEmpty()) {
                throw new NotFoundException("volume", mount.volume().value());
            }
        }
    }

    /** Everything that may be in the pool rightfully. */
    Set<VolumeId> known() {
        return Set.copyOf(records.keySet());
    }

    /** Bytes of all volumes of a project. */
    long bytesOf(ProjectId project) {
        return records.values().stream()
                .map(VolumeRecord::volume)
                .filter(volume -> volume.project().equals(project))
                .mapToLong(Volume::sizeBytes)
                .sum();
    }

    /** At a start: takes back what is not READY. */
    void recover(Set<VolumeId> inPool) {
        for (VolumeRecord record : List.copyOf(records.values())) {
            if (record.state() != MakeState.READY) {
                forget(record);
            } else if (!inPool.contains(record.volume().id())) {
                LOG.warn("volume {} ({}) is not in the pool", record.volume().id(), record.volume().name());
            }
        }
    }

    /** Out of the pool, then the row; what fails is tried again at the next start. */
    private void forget(VolumeRecord record) {
        VolumeId id = record.volume().id();
        try {
            warden.deleteVolume(id);
            store.delete(id);
            records.remove(id);
        } catch (RuntimeException e) {
            LOG.warn("volume {} could not be removed for now: {}", id, e.getMessage());
        }
    }

    private void put(VolumeRecord record) {
        store.update(record);
        records.put(record.volume().id(), record);
    }
}
