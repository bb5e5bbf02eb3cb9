package dev.atoll.warden;

import dev.atoll.domain.LayerId;
import java.util.List;

/**
 * A disk in the pool.
 *
 * @param size bytes that the sandbox sees
 * @param used bytes that are allocated
 * @param layers what it was made over, lowest first
 */
public record Disk<I>(I id, long size, long used, List<LayerId> layers) {
    public Disk {
        layers = List.copyOf(layers);
    }
}
