package dev.atoll.warden;

import java.util.Optional;

/**
 * What a killed sandbox left.
 *
 * @param diskUsed allocated bytes of its disk
 * @param usage its last counters; empty when it was dead before
 */
public record Killed(long diskUsed, Optional<SandboxUsage> usage) {}
