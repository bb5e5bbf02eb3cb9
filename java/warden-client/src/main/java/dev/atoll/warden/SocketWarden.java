package dev.atoll.warden;

import dev.atoll.domain.LayerId;
import dev.atoll.domain.NetworkPolicy;
import dev.atoll.domain.Node;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SnapshotId;
import dev.atoll.domain.UnavailableException;
import dev.atoll.domain.VolumeId;
import dev.atoll.warden.Failures.Subject;
import dev.atoll.warden.proto.Audit;
import dev.atoll.warden.proto.CreateVolume;
import dev.atoll.warden.proto.DeleteDisk;
import dev.atoll.warden.proto.DeleteLayer;
import dev.atoll.warden.proto.DeleteMemory;
import dev.atoll.warden.proto.DeleteSnapshot;
import dev.atoll.warden.proto.DeleteVolume;
import dev.atoll.warden.proto.Denials;
import dev.atoll.warden.proto.Df;
import dev.atoll.warden.proto.Doctor;
import dev.atoll.warden.proto.Done;
import dev.atoll.warden.proto.DropSlot;
import dev.atoll.warden.proto.Freeze;
import dev.atoll.warden.proto.Hibernate;
import dev.atoll.warden.proto.Info;
import dev.atoll.warden.proto.Kill;
import dev.atoll.warden.proto.LayerMade;
import dev.atoll.warden.proto.ListAll;
import dev.atoll.warden.proto.MakeLayer;
import dev.atoll.warden.proto.PrepareSlot;
import dev.atoll.warden.proto.ReadImage;
import dev.atoll.warden.proto.Request;
import dev.atoll.warden.proto.ResizeDisk;
import dev.atoll.warden.proto.Response;
import dev.atoll.warden.proto.SetLimits;
import dev.atoll.warden.proto.SetNetwork;
import dev.atoll.warden.proto.Settle;
import dev.atoll.warden.proto.SlotReady;
import dev.atoll.warden.proto.Snapshot;
import dev.atoll.warden.proto.SnapshotMemory;
import dev.atoll.warden.proto.Thaw;
import dev.atoll.warden.proto.Usage;
import dev.atoll.warden.proto.VolumeMade;
import dev.atoll.warden.proto.WriteImage;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * The warden behind its unix socket.
 *
 * <p>What cannot be repeated blindly after a broken connection (claim, prepareSlot, snapshot,
 * makeLayer, resizeDisk) first looks with ListAll whether the first try did its work. That is sound
 * because a connection breaks only with the warden's process, and a new warden removes what the old
 * one left half-made before it listens.
 */
final class SocketWarden implements Warden {
    /** Of the warden's protocol, see warden.proto. A newer warden is the first half of an upgrade. */
    private static final int OLDEST_PROTOCOL = 1;

    private final Connections connections;
    private final Calls calls;
    private final Timing timing;

    SocketWarden(Connections connections, Timing timing) {
        this.connections = connections;
        this.timing = timing;
        calls = new Calls(connections, timing);
    }

    @Override
    public WardenInfo info() {
        WardenInfo info = Wire.info(quick(Request.newBuilder().setInfo(Info.getDefaultInstance()), Subject.NODE)
                .getInfo());
        if (info.protocol() < OLDEST_PROTOCOL) {
            throw new UnavailableException("the warden speaks protocol " + Integer.toUnsignedString(info.protocol())
                    + ", this engine needs " + OLDEST_PROTOCOL + " or newer: start the warden of the same build");
        }
        return info;
    }

    @Override
    public Inventory listAll() {
        return Wire.inventory(quick(Request.newBuilder().setList(ListAll.getDefaultInstance()), Subject.NODE)
                .getEverything());
    }

    @Override
    public Subscription events(WardenListener listener) {
        EventLoop loop = new EventLoop(connections, listener);
        loop.start();
        return loop;
    }

    @Override
    public Slot prepareSlot(SlotId slot, SlotKind kind) {
        PrepareSlot.Builder prepare =
                PrepareSlot.newBuilder().setSlot(slot.value()).setIsolation(Wire.isolation(kind.isolation()));
        kind.layers().forEach(layer -> prepare.addLayers(layer.value()));
        Request request = Request.newBuilder().setPrepareSlot(prepare).build();
        return Wire.slot(calls.guarded(request, Subject.of("slot", slot), timing.call(), () -> listAll().slots().stream()
                        .filter(s -> s.id().equals(slot))
                        .findAny()
                        .map(s -> Response.newBuilder()
                                .setSlot(SlotReady.newBuilder()
                                        .setSlot(s.id().value())
                                        .setIndex(s.index())
                                        .setAddress(s.address()))
                                .build()))
                .getSlot());
    }

    @Override
    public void dropSlot(SlotId slot) {
        quick(
                Request.newBuilder().setDropSlot(DropSlot.newBuilder().setSlot(slot.value())),
                Subject.of("slot", slot));
    }

    @Override
    public Claimed claim(Claim claim) {
        Request request = Request.newBuilder().setClaim(Wire.claim(claim)).build();
        Map<String, String> values = new HashMap<>();
        values.put("sandbox", claim.sandbox().value());
        values.put("layers", claim.layers().toString());
        values.put("hostname", claim.hostname());
        values.put("limits", claim.limits().toString());
        switch (claim.disk()) {
            case DiskSource.Fresh fresh -> values.put("new_bytes", Long.toString(fresh.bytes()));
            case DiskSource.Existing _ -> values.put("disk", claim.sandbox().value());
            case DiskSource.OfSnapshot of -> values.put("snapshot", of.snapshot().value());
            case DiskSource.OfMemory of -> values.put("memory", of.id());
            case DiskSource.TakenSnapshot taken -> values.put("taken_snapshot", taken.snapshot().value());
        }
        Subject subject = Subject.of("slot", claim.slot()).with(values);
        // Going on reads all of the memory that was saved.
        Duration limit = claim.disk() instanceof DiskSource.OfMemory ? timing.work() : timing.call();
        return Wire.claimed(calls.guarded(request, subject, limit, () -> findClaimed(claim.sandbox()))
                .getClaimed());
    }

    private Optional<Response> findClaimed(SandboxId sandbox) {
        Inventory all = listAll();
        long disk = all.disks().stream()
                .filter(d -> d.id().equals(sandbox))
                .mapToLong(Disk::size)
                .findAny()
                .orElse(0);
        return all.live().stream().filter(l -> l.id().equals(sandbox)).findAny().map(l -> Response.newBuilder()
                .setClaimed(dev.atoll.warden.proto.Claimed.newBuilder()
                        .setPid(l.pid())
                        .setStartTime(l.startTime())
                        .setAddress(l.address())
                        .setIndex(l.index())
                        .setDiskBytes(disk))
                .build());
    }

    @Override
    public void settle(SandboxId sandbox) {
        slow(
                Request.newBuilder().setSettle(Settle.newBuilder().setSandbox(sandbox.value())),
                Subject.of("sandbox", sandbox));
    }

    @Override
    public Killed kill(SandboxId sandbox) {
        return Wire.killed(quick(
                        Request.newBuilder().setKill(Kill.newBuilder().setSandbox(sandbox.value())),
                        Subject.of("sandbox", sandbox))
                .getKilled());
    }

    @Override
    public void freeze(SandboxId sandbox) {
        quick(
                Request.newBuilder().setFreeze(Freeze.newBuilder().setSandbox(sandbox.value())),
                Subject.of("sandbox", sandbox));
    }

    @Override
    public void thaw(SandboxId sandbox) {
        quick(
                Request.newBuilder().setThaw(Thaw.newBuilder().setSandbox(sandbox.value())),
                Subject.of("sandbox", sandbox));
    }

    @Override
    public void setLimits(SandboxId sandbox, Limits limits) {
        quick(
                Request.newBuilder()
                        .setSetLimits(SetLimits.newBuilder()
                                .setSandbox(sandbox.value())
                                .setLimits(Wire.limits(limits))),
                Subject.of("sandbox", sandbox).with(Map.of("limits", limits.toString())));
    }

    @Override
    public void setNetwork(SandboxId sandbox, NetworkPolicy policy) {
        SetNetwork.Builder set =
                SetNetwork.newBuilder().setSandbox(sandbox.value()).setEnabled(true);
        Policies.toWire(policy).ifPresent(set::setPolicy);
        slow(Request.newBuilder().setSetNetwork(set), Subject.of("sandbox", sandbox));
    }

    @Override
    public DenialReport denials(SandboxId sandbox) {
        return Policies.denials(quick(
                        Request.newBuilder()
                                .setDenials(Denials.newBuilder().setSandbox(sandbox.value())),
                        Subject.of("sandbox", sandbox))
                .getDenials());
    }

    @Override
    public SnapshotMade snapshot(SandboxId sandbox, SnapshotId snapshot) {
        return snapshot(sandbox, snapshot, false);
    }

    @Override
    public SnapshotMade temporarySnapshot(SandboxId sandbox, SnapshotId snapshot) {
        return snapshot(sandbox, snapshot, true);
    }

    private SnapshotMade snapshot(SandboxId sandbox, SnapshotId snapshot, boolean temporary) {
        Request request = Request.newBuilder()
                .setSnapshot(Snapshot.newBuilder()
                        .setSandbox(sandbox.value())
                        .setSnapshot(snapshot.value())
                        .setTemporary(temporary))
                .build();
        Subject subject = Subject.of("sandbox", sandbox).with(Map.of("snapshot", snapshot.value()));
        return Wire.snapshot(calls.guarded(request, subject, timing.work(), () -> findSnapshot(snapshot))
                .getSnapshot());
    }

    private Optional<Response> findSnapshot(SnapshotId snapshot) {
        return listAll().snapshots().stream()
                .filter(s -> s.id().equals(snapshot))
                .findAny()
                .map(s -> Response.newBuilder()
                        .setSnapshot(dev.atoll.warden.proto.SnapshotMade.newBuilder()
                                .setSize(s.size())
                                .setUsed(s.used()))
                        .build());
    }

    @Override
    public MemorySaved hibernate(SandboxId sandbox) {
        Request request = Request.newBuilder()
                .setHibernate(Hibernate.newBuilder().setSandbox(sandbox.value()))
                .build();
        return memorySaved(request, Subject.of("sandbox", sandbox), sandbox.value(), Inventory::disks);
    }

    @Override
    public MemorySaved snapshotMemory(SandboxId sandbox, SnapshotId snapshot) {
        Request request = Request.newBuilder()
                .setSnapshotMemory(SnapshotMemory.newBuilder()
                        .setSandbox(sandbox.value())
                        .setSnapshot(snapshot.value()))
                .build();
        Subject subject = Subject.of("sandbox", sandbox).with(Map.of("snapshot", snapshot.value()));
        return memorySaved(request, subject, snapshot.value(), Inventory::snapshots);
    }

    private <I> MemorySaved memorySaved(
            Request request, Subject subject, String id, Function<Inventory, List<Disk<I>>> disks) {
        return Wire.memorySaved(calls.guarded(request, subject, timing.work(), () -> findMemory(id, disks))
                .getMemorySaved());
    }

    /** Of a first try how long it stood still, and what it had used, are lost. */
    private <I> Optional<Response> findMemory(String id, Function<Inventory, List<Disk<I>>> disks) {
        Inventory all = listAll();
        Optional<Disk<I>> disk = disks.apply(all).stream()
                .filter(d -> String.valueOf(d.id()).equals(id))
                .findAny();
        return all.memories().stream()
                .filter(m -> m.id().equals(id) && !m.used())
                .findAny()
                .flatMap(memory -> disk.map(d -> Response.newBuilder()
                        .setMemorySaved(dev.atoll.warden.proto.MemorySaved.newBuilder()
                                .setBytes(memory.bytes())
                                .setDiskSize(d.size())
                                .setDiskUsed(d.used()))
                        .build()));
    }

    @Override
    public void deleteMemory(SandboxId sandbox) {
        slow(
                Request.newBuilder().setDeleteMemory(DeleteMemory.newBuilder().setId(sandbox.value())),
                Subject.of("memory", sandbox));
    }

    @Override
    public void deleteSnapshot(SnapshotId snapshot) {
        slow(
                Request.newBuilder()
                        .setDeleteSnapshot(DeleteSnapshot.newBuilder().setSnapshot(snapshot.value())),
                Subject.of("snapshot", snapshot));
    }

    @Override
    public void deleteDisk(SandboxId sandbox) {
        slow(
                Request.newBuilder().setDeleteDisk(DeleteDisk.newBuilder().setSandbox(sandbox.value())),
                Subject.of("sandbox", sandbox));
    }

    @Override
    public long makeLayer(LayerId layer, SnapshotId source) {
        return makeLayer(
                layer,
                MakeLayer.newBuilder().setLayer(layer.value()).setSnapshot(source.value()),
                Map.of("snapshot", source.value()));
    }

    @Override
    public long makeLayer(LayerId layer, SandboxId source) {
        return makeLayer(
                layer,
                MakeLayer.newBuilder().setLayer(layer.value()).setSandbox(source.value()),
                Map.of("sandbox", source.value()));
    }

    private long makeLayer(LayerId layer, MakeLayer.Builder make, Map<String, String> values) {
        Request request = Request.newBuilder().setMakeLayer(make).build();
        Subject subject = Subject.of("layer", layer).with(values);
        return calls.guarded(request, subject, timing.work(), () -> listAll().layers().stream()
                        .filter(l -> l.id().equals(layer))
                        .findAny()
                        .map(l -> Response.newBuilder()
                                .setLayer(LayerMade.newBuilder().setBytes(l.bytes()))
                                .build()))
                .getLayer()
                .getBytes();
    }

    @Override
    public void deleteLayer(LayerId layer) {
        Request request = Request.newBuilder()
                .setDeleteLayer(DeleteLayer.newBuilder().setLayer(layer.value()))
                .build();
        calls.impatiently(request, Subject.of("layer", layer), timing.work());
    }

    @Override
    public void resizeDisk(SandboxId sandbox, long bytes) {
        Request request = Request.newBuilder()
                .setResizeDisk(ResizeDisk.newBuilder().setSandbox(sandbox.value()).setBytes(bytes))
                .build();
        Subject subject = Subject.of("sandbox", sandbox).with(Map.of("bytes", Long.toString(bytes)));
        calls.guarded(request, subject, timing.work(), () -> listAll().disks().stream()
                .filter(d -> d.id().equals(sandbox) && d.size() == bytes)
                .findAny()
                .map(d -> Response.newBuilder().setDone(Done.getDefaultInstance()).build()));
    }

    @Override
    public ImageReader readImage(SandboxId sandbox) {
        return read(ReadImage.newBuilder().setSandbox(sandbox.value()), Subject.of("sandbox", sandbox));
    }

    @Override
    public ImageReader readImage(SnapshotId snapshot) {
        return read(ReadImage.newBuilder().setSnapshot(snapshot.value()), Subject.of("snapshot", snapshot));
    }

    private ImageReader read(ReadImage.Builder read, Subject subject) {
        return ImageChannel.open(connections, Request.newBuilder().setReadImage(read).build(), subject, timing);
    }

    @Override
    public ImageWriter writeImage(SandboxId sandbox, long size, List<LayerId> layers) {
        return write(WriteImage.newBuilder().setSandbox(sandbox.value()), size, layers, Subject.of("sandbox", sandbox));
    }

    @Override
    public ImageWriter writeImage(SnapshotId snapshot, long size, List<LayerId> layers) {
        return write(
                WriteImage.newBuilder().setSnapshot(snapshot.value()), size, layers, Subject.of("snapshot", snapshot));
    }

    private ImageWriter write(WriteImage.Builder write, long size, List<LayerId> layers, Subject subject) {
        write.setSize(size);
        layers.forEach(layer -> write.addLayers(layer.value()));
        Request request = Request.newBuilder().setWriteImage(write).build();
        return ImageChannel.open(connections, request, subject.with(Map.of("layers", layers.toString())), timing);
    }

    @Override
    public long createVolume(VolumeId volume, long bytes) {
        Request request = Request.newBuilder()
                .setCreateVolume(CreateVolume.newBuilder().setVolume(volume.value()).setBytes(bytes))
                .build();
        Subject subject = Subject.of("volume", volume).with(Map.of("bytes", Long.toString(bytes)));
        return calls.guarded(request, subject, timing.call(), () -> findVolume(volume))
                .getVolume()
                .getSize();
    }

    private Optional<Response> findVolume(VolumeId volume) {
        return listAll().volumes().stream()
                .filter(v -> v.id().equals(volume))
                .findAny()
                .map(v -> Response.newBuilder()
                        .setVolume(VolumeMade.newBuilder().setSize(v.size()))
                        .build());
    }

    @Override
    public void deleteVolume(VolumeId volume) {
        quick(
                Request.newBuilder().setDeleteVolume(DeleteVolume.newBuilder().setVolume(volume.value())),
                Subject.of("volume", volume));
    }

    @Override
    public List<SandboxUsage> usage(List<SandboxId> sandboxes) {
        Usage.Builder usage = Usage.newBuilder();
        sandboxes.forEach(id -> usage.addSandboxes(id.value()));
        return quick(Request.newBuilder().setUsage(usage), Subject.NODE).getUsage().getOfList().stream()
                .map(Wire::usage)
                .toList();
    }

    @Override
    public Node.Pool pool() {
        return Wire.pool(quick(Request.newBuilder().setDf(Df.getDefaultInstance()), Subject.NODE)
                .getDf());
    }

    @Override
    public List<Node.Leak> audit(Known known, boolean repair, boolean strict) {
        Audit.Builder audit = Audit.newBuilder().setRepair(repair).setStrict(strict);
        known.sandboxes().forEach(id -> audit.addKnownSandboxes(id.value()));
        known.snapshots().forEach(id -> audit.addKnownSnapshots(id.value()));
        known.layers().forEach(id -> audit.addKnownLayers(id.value()));
        known.volumes().forEach(id -> audit.addKnownVolumes(id.value()));
        return Wire.leaks(slow(Request.newBuilder().setAudit(audit), Subject.NODE).getAudit());
    }

    @Override
    public List<Node.Check> doctor() {
        return Wire.checks(slow(Request.newBuilder().setDoctor(Doctor.getDefaultInstance()), Subject.NODE)
                .getDoctor());
    }

    private Response quick(Request.Builder request, Subject subject) {
        return calls.idempotent(request.build(), subject, timing.call());
    }

    private Response slow(Request.Builder request, Subject subject) {
        return calls.idempotent(request.build(), subject, timing.work());
    }

    @Override
    public void close() {
        connections.close();
    }
}
