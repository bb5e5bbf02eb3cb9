package dev.atoll.warden;

import java.util.List;

/**
 * What a warden says about itself.
 *
 * @param gateway address of the DNS forwarder as sandboxes see it
 * @param cgroupMode "v2", "hybrid" or "v1"
 * @param poolKind "xfs", "btrfs", or "copy" when the pool's filesystem cannot share blocks
 * @param classes the isolation classes it knows
 */
public record WardenInfo(
        String version,
        int protocol,
        String instance,
        int maxSlots,
        String gateway,
        String cgroupMode,
        String poolKind,
        List<Layer> layers,
        List<ClassInfo> classes) {
    public WardenInfo {
        layers = List.copyOf(layers);
        classes = List.copyOf(classes);
    }
}
