package dev.atoll.app.config;

import dev.atoll.domain.Resources;

/** What a sandbox gets that asks for nothing. */
public record DefaultsConfig(
        @Key("Cores, 0.1 to 1024.") double cpu,
        @Key("Memory, 64MiB to 4TiB.") DataSize memory,
        @Key("Disk, 256MiB to 1TiB; sparse, and what the template brings does not count.") DataSize disk,
        @Key("Processes and threads, 16 to 4194304.") int pids) {
    static final DefaultsConfig DEFAULTS = new DefaultsConfig(2, DataSize.parse("4GiB"), DataSize.parse("10GiB"), 4096);

    public DefaultsConfig {
        if (!(cpu >= 0.1 && cpu <= 1024)) {
            throw new IllegalArgumentException("defaults.cpu is " + cpu + "; allowed: 0.1 to 1024 cores");
        }
        Bounds.range("defaults.memory", memory, DataSize.parse("64MiB"), DataSize.parse("4TiB"));
        Bounds.range("defaults.disk", disk, DataSize.parse("256MiB"), DataSize.parse("1TiB"));
        Bounds.range("defaults.pids", pids, 16, 4_194_304);
    }

    public Resources resources() {
        return new Resources((int) Math.round(cpu * 1000), memory.bytes(), disk.bytes(), 0);
    }
}
