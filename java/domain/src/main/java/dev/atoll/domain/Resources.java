package dev.atoll.domain;

/**
 * What a sandbox may use at most.
 *
 * @param cpuMillis thousandths of a CPU, 100 to 1,024,000
 * @param memoryBytes 64 MiB to 4 TiB
 * @param diskBytes size of its disk, 256 MiB to 1 TiB, rounded up to the next size that disks have once it is made;
 *     what the template brings does not count
 * @param gpus 0: no node of this version has one to give
 */
public record Resources(int cpuMillis, long memoryBytes, long diskBytes, int gpus) {
    public static final long MIB = 1L << 20;
    public static final long GIB = 1L << 30;

    public Resources {
        InvalidFieldException.requireRange("resources.cpuMillis", cpuMillis, 100, 1_024_000);
        InvalidFieldException.requireRange("resources.memoryBytes", memoryBytes, 64 * MIB, 4096 * GIB);
        InvalidFieldException.requireRange("resources.diskBytes", diskBytes, 256 * MIB, 1024 * GIB);
        InvalidFieldException.requireRange("resources.gpus", gpus, 0, 0);
    }
}
