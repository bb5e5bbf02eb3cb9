package dev.atoll.engine;

import dev.atoll.domain.SandboxState;
import dev.atoll.warden.WardenEvent.PoolMark;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;

/** The engine's metrics; names as Micrometer writes them, Prometheus shows {@code atoll_…}. */
final class EngineMeters {
    private final MeterRegistry registry;
    private final Timer creates;
    private final Counter warm;
    private final Counter cold;
    private final AtomicInteger poolLevel = new AtomicInteger();

    EngineMeters(MeterRegistry registry) {
        this.registry = registry;
        this.creates = Timer.builder("atoll.create")
                .description("From the call to the configured guest")
                .publishPercentiles(0.5, 0.95, 0.99)
                .register(registry);
        this.warm = slots("warm");
        this.cold = slots("cold");
        Gauge.builder("atoll.pool.level", poolLevel, AtomicInteger::get)
                .description("0 ok, 1 refusing creates, 2 freezing writers")
                .register(registry);
    }

    private Counter slots(String kind) {
        return Counter.builder("atoll.slots.taken").tag("kind", kind).register(registry);
    }

    /** Registers what is read when somebody looks. */
    void observe(Supplier<Number> warmSlots, ToIntFunction<SandboxState> inState, Supplier<Number> held) {
        Gauge.builder("atoll.sandboxes.held", held)
                .description("Kept stopped because the pool is nearly full")
                .register(registry);
        Gauge.builder("atoll.slots.warm", warmSlots).register(registry);
        for (SandboxState state : SandboxState.values()) {
            if (state != SandboxState.DELETED) {
                Gauge.builder("atoll.sandboxes", () -> inState.applyAsInt(state))
                        .tag("state", state.name())
                        .register(registry);
            }
        }
    }

    void created(Duration took) {
        creates.record(took);
    }

    /** @param cause class of the failure, from a small fixed set */
    void failed(String operation, Throwable cause) {
        Counter.builder("atoll.failures")
                .tag("operation", operation)
                .tag("cause", cause.getClass().getSimpleName())
                .register(registry)
                .increment();
    }

    void slotTaken(boolean wasWarm) {
        (wasWarm ? warm : cold).increment();
    }

    void ruleFired(String action) {
        Counter.builder("atoll.rules.fired").tag("action", action).register(registry).increment();
    }

    void poolMark(PoolMark.Level level) {
        poolLevel.set(level.ordinal());
    }
}
