package dev.atoll.app.config;

import java.net.URI;
import java.util.Optional;

/** Traces and metrics by OTLP over HTTP. */
public record TelemetryConfig(
        @Key("Base address of an OTLP receiver, http(s)://host:4318; null = nothing is sent, and nothing is spent on it.")
        Optional<String> otlpEndpoint,
        @Key("Send traces: a span for each request and one for each call of the domain below it.") boolean traces,
        @Key("Share of the traces that begin here which are sent, 0 to 1; those that a client began are its choice.")
        double sample,
        @Key("Send metrics, those of /metrics.") boolean metrics,
        @Key("How often metrics are sent.") Span metricsEvery,
        @Key("Name of this service in what is sent.") String serviceName) {
    static final TelemetryConfig DEFAULTS =
            new TelemetryConfig(Optional.empty(), true, 1, true, Span.parse("60s"), "atoll");

    public TelemetryConfig {
        otlpEndpoint.ifPresent(TelemetryConfig::check);
        if (!(sample >= 0 && sample <= 1)) {
            throw new IllegalArgumentException("telemetry.sample is " + sample + "; allowed: 0 to 1");
        }
        Bounds.range("telemetry.metrics_every", metricsEvery, Span.parse("1s"), Span.parse("1h"));
    }

    private static void check(String endpoint) {
        try {
            URI uri = URI.create(endpoint);
            boolean web = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
            if (web && uri.getHost() != null && !endpoint.endsWith("/")) {
                return;
            }
        } catch (IllegalArgumentException malformed) {
            // Falls through to the message below.
        }
        throw new IllegalArgumentException(
                "telemetry.otlp_endpoint is '" + endpoint + "'; allowed: http(s)://host[:port][/path] without a slash at the end");
    }
}
