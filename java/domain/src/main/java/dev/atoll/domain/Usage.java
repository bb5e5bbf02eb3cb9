package dev.atoll.domain;

/**
 * What a sandbox used since it was made (counters) or uses now (gauges).
 *
 * @param cpuSeconds counter: active CPU time
 * @param memoryByteSeconds counter: memory integrated over time
 * @param memoryBytes gauge
 * @param diskBytes gauge: allocated bytes of its disk
 */
public record Usage(
        SandboxId sandbox,
        double cpuSeconds,
        double memoryByteSeconds,
        long memoryBytes,
        long diskBytes,
        long networkReceivedBytes,
        long networkSentBytes,
        int processes,
        long oomKills) {}
