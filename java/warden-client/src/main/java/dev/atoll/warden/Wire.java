package dev.atoll.warden;

import dev.atoll.domain.Isolation;
import dev.atoll.domain.LayerId;
import dev.atoll.domain.NetworkPolicy;
import dev.atoll.domain.Node;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SnapshotId;
import dev.atoll.domain.UnsupportedException;
import dev.atoll.domain.VolumeId;
import dev.atoll.warden.proto.AuditReport;
import dev.atoll.warden.proto.DfReport;
import dev.atoll.warden.proto.DoctorReport;
import dev.atoll.warden.proto.Event;
import dev.atoll.warden.proto.Everything;
import dev.atoll.warden.proto.InfoReport;
import dev.atoll.warden.proto.Mount;
import dev.atoll.warden.proto.SlotReady;
import dev.atoll.warden.proto.UsageReport;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** Between the generated messages and the records of this package. */
final class Wire {
    private Wire() {}

    static dev.atoll.warden.proto.Claim claim(Claim claim) {
        var out = dev.atoll.warden.proto.Claim.newBuilder()
                .setSlot(claim.slot().value())
                .setSandbox(claim.sandbox().value())
                .setLimits(limits(claim.limits()))
                .setHostname(claim.hostname())
                .setNetwork(!(claim.network() instanceof NetworkPolicy.None))
                .setProfile(
                        switch (claim.profile()) {
                            case STANDARD -> dev.atoll.warden.proto.Claim.Profile.STANDARD;
                            case EXTENDED -> dev.atoll.warden.proto.Claim.Profile.EXTENDED;
                        });
        if (out.getNetwork()) {
            Policies.toWire(claim.network()).ifPresent(out::setPolicy);
        }
        claim.layers().forEach(layer -> out.addLayers(layer.value()));
        claim.volumes().forEach(v -> out.addVolumes(Mount.newBuilder()
                .setVolume(v.volume().value())
                .setPath(v.path())
                .setReadOnly(v.readOnly())
                .setSubpath(v.subpath())));
        switch (claim.disk()) {
            case DiskSource.Fresh fresh -> out.setNewBytes(fresh.bytes());
            case DiskSource.Existing _ -> out.setExisting(true);
            case DiskSource.OfSnapshot of -> out.setSnapshot(of.snapshot().value());
            case DiskSource.OfMemory of -> out.setMemory(of.id());
            case DiskSource.TakenSnapshot taken -> out.setTakenSnapshot(taken.snapshot().value());
        }
        return out.build();
    }

    static dev.atoll.warden.proto.Limits limits(Limits limits) {
        return dev.atoll.warden.proto.Limits.newBuilder()
                .setCpuMillis(limits.cpuMillis())
                .setMemoryBytes(limits.memoryBytes())
                .setPids(limits.pids())
                .build();
    }

    static Claimed claimed(dev.atoll.warden.proto.Claimed in) {
        return new Claimed(in.getPid(), in.getStartTime(), in.getAddress(), in.getIndex(), in.getDiskBytes());
    }

    static Slot slot(SlotReady in) {
        return new Slot(new SlotId(in.getSlot()), in.getIndex(), in.getAddress());
    }

    static WardenInfo info(InfoReport in) {
        return new WardenInfo(
                in.getVersion(),
                in.getProtocol(),
                in.getInstance(),
                in.getMaxSlots(),
                in.getGateway(),
                in.getCgroupMode(),
                in.getPoolKind(),
                layers(in.getLayersList()),
                in.getClassesList().stream().flatMap(c -> classInfo(c).stream()).toList());
    }

    /** Empty for a class that this version does not know. */
    private static Optional<ClassInfo> classInfo(dev.atoll.warden.proto.Class in) {
        Optional<String> absent = in.getUsable() ? Optional.empty() : Optional.of(in.getReason());
        return switch (in.getIsolation()) {
            case CONTAINER -> Optional.of(new ClassInfo(Isolation.CONTAINER, absent, in.getMemory()));
            case GVISOR -> Optional.of(new ClassInfo(Isolation.GVISOR, absent, in.getMemory()));
            case UNRECOGNIZED -> Optional.empty();
        };
    }

    static dev.atoll.warden.proto.Isolation isolation(Isolation isolation) {
        return switch (isolation) {
            case CONTAINER -> dev.atoll.warden.proto.Isolation.CONTAINER;
            case GVISOR -> dev.atoll.warden.proto.Isolation.GVISOR;
            case MICROVM -> throw new UnsupportedException("the warden makes no virtual machines");
        };
    }

    static Inventory inventory(Everything in) {
        return new Inventory(
                in.getLiveList().stream().map(Wire::live).toList(),
                in.getDisksList().stream().map(d -> disk(d, SandboxId::new)).toList(),
                in.getSnapshotsList().stream().map(d -> disk(d, SnapshotId::new)).toList(),
                layers(in.getLayersList()),
                in.getSlotsList().stream().map(Wire::slot).toList(),
                in.getMemoriesList().stream()
                        .map(m -> new SavedMemory(m.getId(), m.getBytes(), m.getUsed()))
                        .toList(),
                in.getVolumesList().stream().map(d -> disk(d, VolumeId::new)).toList());
    }

    private static LiveSandbox live(dev.atoll.warden.proto.LiveSandbox in) {
        return new LiveSandbox(
                new SandboxId(in.getId()),
                new SlotId(in.getSlot()),
                in.getPid(),
                in.getStartTime(),
                in.getFrozen(),
                in.getHeld(),
                in.getAddress(),
                in.getIndex(),
                in.hasPolicy() ? Policies.fromWire(in.getPolicy()) : NetworkPolicy.OPEN);
    }

    private static <I> Disk<I> disk(dev.atoll.warden.proto.Disk in, Function<String, I> id) {
        return new Disk<>(
                id.apply(in.getId()),
                in.getSize(),
                in.getUsed(),
                in.getLayersList().stream().map(LayerId::new).toList());
    }

    private static List<Layer> layers(List<dev.atoll.warden.proto.Layer> in) {
        return in.stream()
                .map(l -> new Layer(new LayerId(l.getId()), l.getBytes(), l.getName(), l.getConfigJson()))
                .toList();
    }

    static Killed killed(dev.atoll.warden.proto.Killed in) {
        return new Killed(in.getDiskUsed(), in.hasUsage() ? Optional.of(usage(in.getUsage())) : Optional.empty());
    }

    static SandboxUsage usage(UsageReport.One in) {
        return new SandboxUsage(
                new SandboxId(in.getSandbox()),
                in.getCpuUs(),
                in.getMemoryBytes(),
                in.getMemoryPeak(),
                in.getDiskUsed(),
                in.getNetRx(),
                in.getNetTx(),
                in.getPids(),
                in.getOomKills());
    }

    static SnapshotMade snapshot(dev.atoll.warden.proto.SnapshotMade in) {
        return new SnapshotMade(
                in.getSize(),
                in.getUsed(),
                in.getExtents(),
                Duration.of(in.getBlockedUs(), ChronoUnit.MICROS),
                Duration.of(in.getSyncedUs(), ChronoUnit.MICROS));
    }

    static MemorySaved memorySaved(dev.atoll.warden.proto.MemorySaved in) {
        return new MemorySaved(
                in.getBytes(),
                Duration.of(in.getStoppedUs(), ChronoUnit.MICROS),
                in.getDiskSize(),
                in.getDiskUsed(),
                in.hasUsage() ? Optional.of(usage(in.getUsage())) : Optional.empty());
    }

    static Node.Pool pool(DfReport in) {
        return new Node.Pool(
                in.getKind(),
                in.getPoolTotal(),
                in.getPoolFree(),
                in.getBackingFree(),
                in.getAdmissionMark(),
                in.getFreezeMark(),
                in.getRefusing(),
                in.getLayersUsed(),
                in.getSnapshotsUsed(),
                in.getDisksUsed());
    }

    static List<Node.Leak> leaks(AuditReport in) {
        return in.getLeaksList().stream()
                .map(l -> new Node.Leak(l.getKind(), l.getName(), l.getRepaired()))
                .toList();
    }

    static List<Node.Check> checks(DoctorReport in) {
        return in.getChecksList().stream()
                .map(c -> new Node.Check(c.getName(), c.getOk(), c.getDetail(), c.getRequired()))
                .toList();
    }

    /** Empty for a kind that this version does not know. */
    static Optional<WardenEvent> event(Event in) {
        return switch (in.getKindCase()) {
            case EXITED -> {
                Event.Exited e = in.getExited();
                yield Optional.of(new WardenEvent.Exited(new SandboxId(e.getId()), e.getStatus(), e.getOom()));
            }
            case POOL_MARK -> poolMark(in.getPoolMark());
            case OOM -> Optional.of(new WardenEvent.Oom(new SandboxId(in.getOom().getId())));
            case SLOT_LOST -> Optional.of(new WardenEvent.SlotLost(new SlotId(in.getSlotLost().getSlot())));
            case KIND_NOT_SET -> Optional.empty();
        };
    }

    private static Optional<WardenEvent> poolMark(Event.PoolMark in) {
        WardenEvent.PoolMark.Level level =
                switch (in.getLevel()) {
                    case OK -> WardenEvent.PoolMark.Level.OK;
                    case REFUSING -> WardenEvent.PoolMark.Level.REFUSING;
                    case FREEZING -> WardenEvent.PoolMark.Level.FREEZING;
                    case UNRECOGNIZED -> null;
                };
        return level == null
                ? Optional.empty()
                : Optional.of(new WardenEvent.PoolMark(
                        level,
                        in.getFreeBytes(),
                        in.getFrozenList().stream().map(SandboxId::new).toList()));
    }
}
