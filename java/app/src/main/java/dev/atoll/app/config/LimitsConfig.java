package dev.atoll.app.config;

/** What all sandboxes together, or one process, may use. */
public record LimitsConfig(
        @Key("Memory that all sandboxes together leave to the host.") DataSize hostReserve,
        @Key("The sandboxes' common memory limit is (machine - host_reserve) times this, 0.1 to 16.") double memoryOvercommit,
        @Key("Output kept of one process for late readers, 64KiB to 1GiB.") DataSize spool,
        @Key("Ended processes of a sandbox that stay readable, 1 to 100000.") int keptProcesses) {
    static final LimitsConfig DEFAULTS = new LimitsConfig(DataSize.parse("1GiB"), 1.0, DataSize.parse("8MiB"), 1000);

    public LimitsConfig {
        if (!(memoryOvercommit >= 0.1 && memoryOvercommit <= 16)) {
            throw new IllegalArgumentException("limits.memory_overcommit is " + memoryOvercommit + "; allowed: 0.1 to 16");
        }
        Bounds.range("limits.spool", spool, DataSize.parse("64KiB"), DataSize.parse("1GiB"));
        Bounds.range("limits.kept_processes", keptProcesses, 1, 100_000);
    }
}
