package dev.atoll.app.config;

/** Sandboxes prepared in advance. */
public record SlotsConfig(
        @Key("Slots kept prepared, 0 to 1000; 0 = every create prepares its own.") int warm,
        @Key("Sandboxes of gVisor kept running for each template in use, 0 to 100; some 35 MiB each.") int gvisor,
        @Key("Slots being made at the same time, 1 to 64.") int makers,
        @Key("Sandboxes being made or started at the same time, 1 to 1000; more wait.") int createsAtOnce) {
    static final SlotsConfig DEFAULTS = new SlotsConfig(16, 2, 2, 16);

    public SlotsConfig {
        Bounds.range("slots.warm", warm, 0, 1000);
        Bounds.range("slots.gvisor", gvisor, 0, 100);
        Bounds.range("slots.makers", makers, 1, 64);
        Bounds.range("slots.creates_at_once", createsAtOnce, 1, 1000);
    }
}
