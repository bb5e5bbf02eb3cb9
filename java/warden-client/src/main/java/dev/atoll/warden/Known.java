package dev.atoll.warden;

import dev.atoll.domain.LayerId;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SnapshotId;
import dev.atoll.domain.VolumeId;
import java.util.List;

/** What the engine accounts for; everything else that the warden holds belongs to nobody. */
public record Known(List<SandboxId> sandboxes, List<SnapshotId> snapshots, List<LayerId> layers, List<VolumeId> volumes) {
    public Known {
        sandboxes = List.copyOf(sandboxes);
        snapshots = List.copyOf(snapshots);
        layers = List.copyOf(layers);
        volumes = List.copyOf(volumes);
    }
}
