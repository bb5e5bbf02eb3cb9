package dev.atoll.app.config;

import java.util.Optional;

/** Where the disks of sandboxes lie. */
public record PoolConfig(
        @Key("loop: XFS in a sparse file below state_dir. dir: the directory pool.dir, best on XFS or btrfs.") Kind kind,
        @Key("The directory of kind dir.") Optional<String> dir,
        @Key("Size of the loop pool, sparse; used when it is made.") DataSize size,
        @Key("Below this much free space creates, forks, snapshots and uploads are refused.") DataSize admissionFree,
        @Key("Below this much free space the fastest writers are frozen, before data could be lost.") DataSize freezeFree) {
    static final PoolConfig DEFAULTS = new PoolConfig(
            Kind.LOOP, Optional.empty(), DataSize.parse("64GiB"), DataSize.parse("2GiB"), DataSize.parse("512MiB"));

    /** What the pool stands on. */
    public enum Kind {
        LOOP,
        DIR
    }

    public PoolConfig {
        if (kind == Kind.DIR && dir.isEmpty()) {
            throw new IllegalArgumentException("pool.kind is dir, and pool.dir is missing");
        }
        dir.ifPresent(path -> Bounds.absolute("pool.dir", path));
        Bounds.range("pool.size", size, DataSize.parse("1GiB"), DataSize.parse("1024TiB"));
        if (freezeFree.bytes() > admissionFree.bytes()) {
            throw new IllegalArgumentException("pool.freeze_free is " + freezeFree + "; allowed: at most pool.admission_free, " + admissionFree);
        }
    }
}
