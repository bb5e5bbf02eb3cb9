package dev.atoll.guest;

/** What the guest reports of its sandbox; hostile input. Disk sizes are bytes of the root file system. */
public record GuestMetrics(
        long uptimeMillis,
        int processes,
        long diskTotal,
        long diskUsed,
        long inodesTotal,
        long inodesUsed,
        int connections,
        double load1) {}
