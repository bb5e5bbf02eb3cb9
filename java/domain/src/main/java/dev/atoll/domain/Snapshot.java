package dev.atoll.domain;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * The disk of a sandbox at one instant.
 *
 * @param name unique among the project's snapshots
 * @param sizeBytes size of the disk; {@code usedBytes} of it are allocated
 * @param blocked how long a writer in the sandbox was held
 */
public record Snapshot(
        SnapshotId id,
        ProjectId project,
        String name,
        Optional<SandboxId> sandbox,
        TemplateId template,
        List<LayerId> layers,
        long sizeBytes,
        long usedBytes,
        Duration blocked,
        Instant createdAt,
        Optional<Instant> expiresAt) {
    public Snapshot {
        layers = List.copyOf(layers);
    }
}
