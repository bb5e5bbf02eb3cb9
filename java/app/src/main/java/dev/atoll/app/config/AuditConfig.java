package dev.atoll.app.config;

/** The audit: who did what, from where, and how it ended. */
public record AuditConfig(
        @Key("Write it, to audit/audit.jsonl in the engine's directory.") boolean enabled,
        @Key("Size at which a new file is begun.") DataSize maxSize,
        @Key("How many older files are kept, 0 to 1000.") int keep) {
    static final AuditConfig DEFAULTS = new AuditConfig(true, DataSize.parse("64MiB"), 16);

    public AuditConfig {
        Bounds.range("audit.max_size", maxSize, DataSize.parse("4KiB"), DataSize.parse("1TiB"));
        Bounds.range("audit.keep", keep, 0, 1000);
    }
}
