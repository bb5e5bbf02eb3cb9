package dev.atoll.warden;

/**
 * What the cgroup of a sandbox allows. Zero means the warden's default.
 *
 * @param cpuMillis thousandths of a CPU
 * @param pids processes and threads together
 */
public record Limits(int cpuMillis, long memoryBytes, int pids) {
    public static final Limits DEFAULT = new Limits(0, 0, 0);
}
