package dev.atoll.app.observe;

import dev.atoll.app.config.TelemetryConfig;
import dev.atoll.http.ErrorMapper;
import dev.atoll.http.Handler;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What of the node is shown to the outside: the audit, and by OpenTelemetry's protocol traces and metrics.
 * What is switched off is not there: no call goes a longer way for it.
 */
public final class Telemetry implements AutoCloseable {
    private final Optional<Tracing> tracing;
    private final Optional<MeterRegistry> meters;
    private Optional<AuditLog> audit = Optional.empty();

    private Telemetry(Optional<Tracing> tracing, Optional<MeterRegistry> meters) {
        this.tracing = tracing;
        this.meters = meters;
    }

    public static Telemetry start(TelemetryConfig config, String version, String instance) {
        Optional<String> endpoint = config.otlpEndpoint();
        return new Telemetry(
                endpoint.filter(_ -> config.traces()).map(url -> Tracing.start(config, url, version, instance)),
                endpoint.filter(_ -> config.metrics()).map(url -> OtlpMeters.start(config, url, version, instance)));
    }

    /** Every call of parts that are {@link #observed} later is told to it. It is closed by whoever made it. */
    public void add(AuditLog log) {
        audit = Optional.of(log);
    }

    /** Where the engine puts its metrics, so that they come to both. */
    public MeterRegistry meters(MeterRegistry own) {
        return meters.<MeterRegistry>map(other -> {
                    var both = new CompositeMeterRegistry();
                    both.add(own);
                    both.add(other);
                    return both;
                })
                .orElse(own);
    }

    /** @param errors by which the face answers what the handler throws */
    public Handler traced(String face, Handler handler, ErrorMapper errors) {
        return tracing.map(t -> t.around(face, handler, errors)).orElse(handler);
    }

    /** A part of the domain as faces shall see it. */
    public <T> T observed(Class<T> type, T part) {
        List<Observer> all = Stream.<Optional<? extends Observer>>of(tracing, audit).flatMap(Optional::stream).map(Observer.class::cast).toList();
        return all.stream().reduce(Observer::then).map(observer -> Observed.by(observer, type, part)).orElse(part);
    }

    @Override
    public void close() {
        tracing.ifPresent(Tracing::close);
        meters.ifPresent(MeterRegistry::close);
    }
}
