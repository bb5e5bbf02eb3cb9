package dev.atoll.app.config;

import java.util.Map;
import java.util.Optional;

/** Maxima that override what clients ask for: forgotten sandboxes cost money. */
public record LifecycleConfig(
        @Key("A sandbox idle this long is stopped whatever its own rules say; null = no maximum.") Optional<Span> maxIdle,
        @Key("A sandbox this old is deleted whatever its own rules say; null = no maximum.") Optional<Span> maxLifetime,
        @Key("How long an ended sandbox is remembered: its outcome, its entrypoint's output, its idempotency key; 1m to 30d.")
        Span endedKept,
        @Key("Maxima of single projects, which replace the two above: <project>: {max_idle: 1h, max_lifetime: 7d}.")
        Map<String, Maxima> projects) {
    static final LifecycleConfig DEFAULTS = new LifecycleConfig(Optional.empty(), Optional.empty(), Span.parse("1d"), Map.of());

    /** Of one project. */
    public record Maxima(Optional<Span> maxIdle, Optional<Span> maxLifetime) {}

    public LifecycleConfig {
        projects = Map.copyOf(projects);
        Bounds.range("lifecycle.ended_kept", endedKept, Span.parse("1m"), Span.parse("30d"));
    }
}
