package dev.atoll.face.nativeapi;

import dev.atoll.domain.Builds;
import dev.atoll.domain.Files;
import dev.atoll.domain.Keys;
import dev.atoll.domain.Node;
import dev.atoll.domain.Ports;
import dev.atoll.domain.Processes;
import dev.atoll.domain.Sandboxes;
import dev.atoll.domain.Secrets;
import dev.atoll.domain.Snapshots;
import dev.atoll.domain.Templates;
import dev.atoll.domain.Volumes;
import dev.atoll.http.ErrorMapper;
import dev.atoll.http.Router;
import java.util.function.Supplier;

/**
 * Atoll's own API, {@code /v1}. What it offers is written down in {@code openapi.yaml}, which is
 * served at {@code /openapi.json}.
 */
public final class NativeApi {
    /** What the routes act on. */
    public record Domain(
            Sandboxes sandboxes,
            Processes processes,
            Files files,
            Ports ports,
            Snapshots snapshots,
            Templates templates,
            Builds builds,
            Secrets secrets,
            Volumes volumes,
            Keys keys,
            Node node) {}

    /**
     * @param defaultTemplate what a create without a source starts from
     * @param metrics the text of {@code /metrics}, in Prometheus' exposition format 0.0.4
     * @param openMetrics serve metrics without a key
     * @param reload takes certificates as their files are now; throws {@link dev.atoll.domain.ConflictException}
     *     when one cannot be used
     */
    public record Options(String defaultTemplate, Supplier<String> metrics, boolean openMetrics, Runnable reload) {}

    private NativeApi() {}

    /** All routes; stateless, so one router serves any number of listeners. */
    public static Router routes(Domain domain, Options options) {
        Router.Builder router = Router.builder();
        NodeRoutes node = new NodeRoutes(domain.node(), domain.sandboxes(), options.reload());
        OpenApi.addTo(router);
        node.addOpenTo(router);
        if (options.openMetrics()) {
            node.addMetricsTo(router, options.metrics());
        }
        router.filter(new Authentication(domain.keys()));
        if (!options.openMetrics()) {
            node.addMetricsTo(router, options.metrics());
        }
        var references = new References(domain.sandboxes());
        var secrets = new SecretReferences(domain.secrets());
        new SandboxRoutes(domain.sandboxes(), references, secrets, options.defaultTemplate()).addTo(router);
        new ExecRoutes(domain.processes(), references, secrets).addTo(router);
        new ProcessRoutes(domain.processes(), references, secrets).addTo(router);
        new FileRoutes(domain.files(), references).addTo(router);
        new FileContentRoutes(domain.files(), references).addTo(router);
        new EgressRoutes(domain.sandboxes(), references).addTo(router);
        new PortRoutes(domain.ports(), references).addTo(router);
        new SnapshotRoutes(domain.snapshots(), references).addTo(router);
        new TemplateRoutes(domain.templates(), domain.snapshots()).addTo(router);
        new BuildRoutes(domain.builds(), secrets).addTo(router);
        new SecretRoutes(domain.secrets()).addTo(router);
        new VolumeRoutes(domain.volumes()).addTo(router);
        new KeyRoutes(domain.keys()).addTo(router);
        node.addTo(router);
        return router.build();
    }

    /** The JSON of this API's errors. */
    public static ErrorMapper errors() {
        return new NativeErrors();
    }
}
