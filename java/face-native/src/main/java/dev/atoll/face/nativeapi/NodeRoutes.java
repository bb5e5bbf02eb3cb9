package dev.atoll.face.nativeapi;

import dev.atoll.domain.DayUsage;
import dev.atoll.domain.Node;
import dev.atoll.domain.Sandboxes;
import dev.atoll.domain.Usage;
import dev.atoll.http.InvalidInputException;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import dev.atoll.http.Router;
import java.io.IOException;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** The machine: what it can do, how it is, what it spends. */
final class NodeRoutes {
    record HealthJson(boolean healthy) {}

    record IsolationJson(
            String isolation,
            boolean available,
            Optional<String> reason,
            boolean diskSnapshot,
            boolean pause,
            boolean memorySnapshot,
            boolean fork) {
        static IsolationJson of(Node.IsolationCapability capability) {
            return new IsolationJson(
                    Names.of(capability.isolation()),
                    capability.available(),
                    capability.reason(),
                    capability.diskSnapshot(),
                    capability.pause(),
                    capability.memorySnapshot(),
                    capability.fork());
        }
    }

    record CapabilitiesJson(String version, List<IsolationJson> isolations, String poolKind, String cgroupMode) {
        static CapabilitiesJson of(Node.Capabilities capabilities) {
            return new CapabilitiesJson(
                    capabilities.version(),
                    capabilities.isolations().stream().map(IsolationJson::of).toList(),
                    capabilities.poolKind(),
                    capabilities.cgroupMode());
        }
    }

    record NodeJson(CapabilitiesJson capabilities, Node.Health health, Node.Pool pool) {}

    record UsageJson(
            String sandbox,
            double cpuSeconds,
            double memoryByteSeconds,
            long memoryBytes,
            long diskBytes,
            long networkReceivedBytes,
            long networkSentBytes,
            int processes,
            long oomKills) {
        static UsageJson of(Usage usage) {
            return new UsageJson(
                    usage.sandbox().value(),
                    usage.cpuSeconds(),
                    usage.memoryByteSeconds(),
                    usage.memoryBytes(),
                    usage.diskBytes(),
                    usage.networkReceivedBytes(),
                    usage.networkSentBytes(),
                    usage.processes(),
                    usage.oomKills());
        }
    }

    record UsageListJson(List<UsageJson> usage) {}

    record DayJson(
            String day,
            String project,
            double cpuSeconds,
            double memoryByteSeconds,
            double diskByteSeconds,
            long networkReceivedBytes,
            long networkSentBytes,
            long oomKills) {
        static DayJson of(DayUsage used) {
            return new DayJson(
                    used.day().toString(),
                    used.project().value(),
                    used.cpuSeconds(),
                    used.memoryByteSeconds(),
                    used.diskByteSeconds(),
                    used.networkReceivedBytes(),
                    used.networkSentBytes(),
                    used.oomKills());
        }
    }

    record DaysJson(List<DayJson> days) {}

    record ChecksJson(List<Node.Check> checks) {}

    record LeaksJson(List<Node.Leak> leaks) {}

    record PrunedJson(long freedBytes) {}

    record AuditRequest(Optional<Boolean> repair) {}

    private final Node node;
    private final References references;
    private final Runnable reload;

    NodeRoutes(Node node, Sandboxes sandboxes, Runnable reload) {
        this.reload = reload;
        this.node = node;
        this.references = new References(sandboxes);
    }

    /** What needs no key. */
    void addOpenTo(Router.Builder router) {
        router.get("/v1/health", _ -> {
            boolean healthy = node.health().healthy();
            return Response.json(new HealthJson(healthy)).withStatus(healthy ? 200 : 503);
        });
    }

    void addMetricsTo(Router.Builder router, Supplier<String> metrics) {
        router.get(
                "/metrics",
                _ -> Response.bytes(
                        "text/plain; version=0.0.4; charset=utf-8",
                        metrics.get().getBytes(java.nio.charset.StandardCharsets.UTF_8)));
    }

    void addTo(Router.Builder router) {
        router.get("/v1/capabilities", _ -> Response.json(CapabilitiesJson.of(node.capabilities())))
                .get("/v1/usage", this::usage)
                .get("/v1/usage/days", this::usageByDay)
                .get("/v1/node", this::whole)
                .get("/v1/node/pool", this::pool)
                .get("/v1/node/doctor", this::doctor)
                .post("/v1/node/audit", this::audit)
                .post("/v1/node/prune", this::prune)
                .post("/v1/node/reload", this::reload);
    }

    private Response usage(Request request) {
        var caller = Authentication.caller(request);
        var used = node.usage(caller, request.query("sandbox").map(s -> references.sandbox(caller, s)));
        return Response.json(new UsageListJson(used.stream().map(UsageJson::of).toList()));
    }

    private Response usageByDay(Request request) {
        LocalDate to = day(request, "to", LocalDate.now(ZoneOffset.UTC));
        LocalDate from = day(request, "from", to.minusDays(6));
        var days = node.usageByDay(Authentication.caller(request), from, to);
        return Response.json(new DaysJson(days.stream().map(DayJson::of).toList()));
    }

    private static LocalDate day(Request request, String name, LocalDate absent) {
        String text = request.query(name).orElse(absent.toString());
        try {
            return LocalDate.parse(text);
        } catch (DateTimeParseException e) {
            throw new InvalidInputException("query." + name, text, "a day like 2026-11-24");
        }
    }

    private Response whole(Request request) {
        Authentication.operator(request);
        return Response.json(
                new NodeJson(CapabilitiesJson.of(node.capabilities()), node.health(), node.pool()));
    }

    private Response pool(Request request) {
        Authentication.operator(request);
        return Response.json(node.pool());
    }

    private Response doctor(Request request) {
        Authentication.operator(request);
        return Response.json(new ChecksJson(node.doctor()));
    }

    private Response audit(Request request) throws IOException {
        Authentication.operator(request);
        boolean repair = Input.optionalJson(request, AuditRequest.class).repair().orElse(false);
        return Response.json(new LeaksJson(node.audit(repair)));
    }

    private Response reload(Request request) {
        Authentication.operator(request);
        reload.run();
        return Response.noContent();
    }

    private Response prune(Request request) {
        return Response.json(new PrunedJson(node.prune(Authentication.operator(request))));
    }
}
