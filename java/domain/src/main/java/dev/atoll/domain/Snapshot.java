package dev.atoll.domain;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The disk of a sandbox at one instant, and the memory of the same instant when that was asked for.
 *
 * @param name unique among the project's snapshots
 * @param sizeBytes size of the disk; {@code usedBytes} of it are allocated
 * @param blocked how long a writer in the sandbox was held; with memory, how long everything in it stood still
 * @param memory empty = the disk alone
 * @param archived its disk is in the blob store; what is made from it brings it back first
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
        Optional<Instant> expiresAt,
        Optional<Memory> memory,
        boolean archived) {
    public Snapshot {
        layers = List.copyOf(layers);
    }

    /**
     * Memory, and what a sandbox that goes on from it has when its creator names nothing else: what its
     * processes were started with. Its secrets are not kept.
     *
     * @param bytes in the pool
     * @param isolation the class that can go on from it
     * @param cpuMillis the limits that it had; {@code limitBytes} of memory
     */
    public record Memory(
            long bytes,
            Isolation isolation,
            int cpuMillis,
            long limitBytes,
            Map<String, String> env,
            String user,
            String workdir) {
        public Memory {
            env = Map.copyOf(env);
        }
    }

    /** What it takes in the pool. */
    public long storedBytes() {
        return archived ? 0 : usedBytes + memory.map(Memory::bytes).orElse(0L);
    }
}
