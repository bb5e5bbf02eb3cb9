package dev.atoll.warden;

import dev.atoll.domain.SandboxId;

/**
 * What a sandbox used since its present boot (counters) or uses now (gauges).
 *
 * @param cpuMicros counter, microseconds of CPU time
 * @param memoryBytes gauge
 * @param memoryPeak the highest that memoryBytes was, bytes
 * @param diskUsed gauge, allocated bytes
 * @param networkReceived counter, bytes that arrived in the sandbox
 * @param networkSent counter, bytes
 * @param pids gauge, processes and threads
 * @param oomKills counter
 */
public record SandboxUsage(
        SandboxId sandbox,
        long cpuMicros,
        long memoryBytes,
        long memoryPeak,
        long diskUsed,
        long networkReceived,
        long networkSent,
        int pids,
        long oomKills) {}
