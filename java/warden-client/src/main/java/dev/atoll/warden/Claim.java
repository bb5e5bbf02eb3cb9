package dev.atoll.warden;

import dev.atoll.domain.LayerId;
import dev.atoll.domain.NetworkPolicy;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.VolumeMount;
import java.util.List;

/**
 * Which sandbox a slot shall become.
 *
 * @param layers lowest first, at least one
 * @param hostname at most 64 characters
 * @param network in force before anything runs
 * @param volumes only for a slot that has no root yet
 */
public record Claim(
        SlotId slot,
        SandboxId sandbox,
        List<LayerId> layers,
        DiskSource disk,
        Limits limits,
        String hostname,
        NetworkPolicy network,
        Profile profile,
        List<VolumeMount> volumes) {
    public Claim {
        layers = List.copyOf(layers);
        volumes = List.copyOf(volumes);
    }
}
