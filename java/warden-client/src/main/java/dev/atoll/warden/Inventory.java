package dev.atoll.warden;

import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SnapshotId;
import dev.atoll.domain.VolumeId;
import java.util.List;

/**
 * All that exists, at one instant.
 *
 * @param disks of sandboxes, running or not
 * @param slots prepared and unclaimed
 * @param volumes mounted or not
 * @param memories of hibernated sandboxes and of snapshots
 */
public record Inventory(
        List<LiveSandbox> live,
        List<Disk<SandboxId>> disks,
        List<Disk<SnapshotId>> snapshots,
        List<Layer> layers,
        List<Slot> slots,
        List<SavedMemory> memories,
        List<Disk<VolumeId>> volumes) {
    public Inventory {
        live = List.copyOf(live);
        disks = List.copyOf(disks);
        snapshots = List.copyOf(snapshots);
        layers = List.copyOf(layers);
        slots = List.copyOf(slots);
        memories = List.copyOf(memories);
        volumes = List.copyOf(volumes);
    }
}
