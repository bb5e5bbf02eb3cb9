package dev.atoll.app.observe;

import dev.atoll.app.config.TelemetryConfig;
import io.micrometer.core.instrument.Clock;
import io.micrometer.registry.otlp.OtlpConfig;
import io.micrometer.registry.otlp.OtlpMeterRegistry;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Sends metrics by OTLP at an interval. */
final class OtlpMeters {
    private OtlpMeters() {}

    static OtlpMeterRegistry start(TelemetryConfig config, String endpoint, String version, String instance) {
        return new OtlpMeterRegistry(new Settings(config, endpoint, version, instance), Clock.SYSTEM);
    }

    private record Settings(TelemetryConfig config, String endpoint, String version, String instance) implements OtlpConfig {
        /** Nothing comes from the environment. */
        @Override
        public @Nullable String get(String key) {
            return null;
        }

        @Override
        public String url() {
            return endpoint + "/v1/metrics";
        }

        @Override
        public Duration step() {
            return config.metricsEvery().duration();
        }

        @Override
        public Map<String, String> resourceAttributes() {
            return Map.of(
                    "service.name", config.serviceName(), "service.version", version, "service.instance.id", instance);
        }
    }
}
