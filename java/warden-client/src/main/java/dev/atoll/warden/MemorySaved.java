package dev.atoll.warden;

import java.time.Duration;
import java.util.Optional;

/**
 * Memory and disk of a sandbox of the same instant, durable.
 *
 * @param bytes of memory
 * @param stopped how long the sandbox stood still
 * @param diskSize of the disk that was saved with it; {@code diskUsed} of it are allocated
 * @param usage what a sandbox that ended had used
 */
public record MemorySaved(long bytes, Duration stopped, long diskSize, long diskUsed, Optional<SandboxUsage> usage) {}
