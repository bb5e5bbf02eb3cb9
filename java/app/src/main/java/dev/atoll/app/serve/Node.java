package dev.atoll.app.serve;

import dev.atoll.app.config.AuditConfig;
import dev.atoll.app.config.Config;
import dev.atoll.app.config.ConfigException;
import dev.atoll.app.config.ConfigPrinter;
import dev.atoll.app.config.HostPort;
import dev.atoll.app.observe.AuditLog;
import dev.atoll.app.observe.KeyNames;
import dev.atoll.app.observe.RotatingFile;
import dev.atoll.app.observe.Telemetry;
import dev.atoll.app.run.Layout;
import dev.atoll.app.run.Ready;
import dev.atoll.app.tls.CertificateFiles;
import dev.atoll.app.tls.CertificateWatch;
import dev.atoll.domain.Builds;
import dev.atoll.domain.ConflictException;
import dev.atoll.domain.Keys;
import dev.atoll.domain.Ports;
import dev.atoll.domain.Processes;
import dev.atoll.domain.Sandboxes;
import dev.atoll.domain.Secrets;
import dev.atoll.domain.Snapshots;
import dev.atoll.domain.Templates;
import dev.atoll.domain.Volumes;
import dev.atoll.engine.Engine;
import dev.atoll.engine.KillPoints;
import dev.atoll.face.daytona.DaytonaFace;
import dev.atoll.face.modal.ModalFace;
import dev.atoll.face.nativeapi.NativeApi;
import dev.atoll.guest.GuestHub;
import dev.atoll.http.ErrorMapper;
import dev.atoll.http.Handler;
import dev.atoll.http.HttpListener;
import dev.atoll.http.ListenerConfig;
import dev.atoll.http.Tls;
import dev.atoll.store.SqliteStore;
import dev.atoll.warden.Warden;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The engine with its faces, serving. */
final class Node implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Node.class);
    private static final String DEFAULT_TEMPLATE = "base";

    private final Closer closer;
    private final HttpListener nativeListener;
    private final HttpListener daytonaListener;
    private final HttpListener modalListener;
    private final CertificateWatch certificates;

    private Node(Config config, String version, Closer closer) {
        this.closer = closer;
        Layout layout = Layout.of(config);
        var random = new SecureRandom();
        Clock clock = Clock.systemUTC();
        LOG.info("Atoll {} with this configuration:\n{}", version, ConfigPrinter.print(config));
        var metrics = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        closer.add(metrics::close);
        new JvmMemoryMetrics().bindTo(metrics);
        closer.add(new JvmGcMetrics()).bindTo(metrics);
        var telemetry = closer.add(Telemetry.start(config.telemetry(), version, config.node().instance()));
        var store = closer.add(SqliteStore.open(layout.engineDir().resolve("atoll.db")));
        var warden = closer.add(Warden.at(layout.wardenSocket()));
        var hub = closer.add(new GuestHub());
        Engine engine = closer.add(Engine.start(
                Settings.engine(config, version, layout.sockets(), layout.engineDir(), operatorHash(layout.operatorHash())),
                clock, random, store, warden, hub, telemetry.meters(metrics), KillPoints.NONE,
                ArchiveSettings.open(config.archive(), layout.engineDir(), random)));
        if (config.audit().enabled()) {
            telemetry.add(closer.add(audit(config.audit(), layout, engine.keys(), clock)));
        }
        var seen = new Seen(engine, telemetry);

        var routes = NativeApi.routes(
                new NativeApi.Domain(
                        seen.sandboxes(), seen.processes(), seen.files(), seen.ports(), seen.snapshots(),
                        seen.templates(), seen.builds(), seen.secrets(), seen.volumes(), seen.keys(), seen.node()),
                new NativeApi.Options(DEFAULT_TEMPLATE, metrics::scrape, false, this::reloadForCaller));
        var daytona = DaytonaFace.of(
                Settings.daytona(config),
                new DaytonaFace.Domain(
                        seen.sandboxes(), seen.processes(), seen.files(), seen.ports(), seen.snapshots(),
                        seen.templates(), seen.keys(), seen.node()),
                clock);
        CertificateFiles.all(config).forEach(CertificateFiles::check);
        nativeListener = listen(config, config.nativeFace().listen(), telemetry.traced("native", routes, NativeApi.errors()), NativeApi.errors(), random);
        daytonaListener = listen(config, config.daytona().listen(), telemetry.traced("daytona", daytona.router(), daytona.errors()), daytona.errors(), random);
        modalListener = listenModal(config, layout, seen, telemetry, clock, random);
        certificates = closer.add(CertificateWatch.start(
                CertificateFiles.all(config).toList(), List.of(nativeListener, daytonaListener, modalListener)));
    }

    private HttpListener listen(
            Config config, HostPort where, Handler handler, ErrorMapper errors, SecureRandom random) {
        ListenerConfig plain = ListenerConfig.on(where.host(), where.port());
        ListenerConfig settings = CertificateFiles.ofNode(config)
                .map(files -> plain.withTls(Settings.tls(config, files::context)))
                .orElse(plain);
        return listen(settings, handler, errors, random);
    }

    private HttpListener listen(ListenerConfig where, Handler handler, ErrorMapper errors, SecureRandom random) {
        return closer.add(HttpListener.start(where, handler, errors, random));
    }

    private static AuditLog audit(AuditConfig config, Layout layout, Keys keys, Clock clock) {
        Path directory = layout.engineDir().resolve("audit");
        try {
            Files.createDirectories(directory);
            var file = RotatingFile.open(directory.resolve("audit.jsonl"), config.maxSize().bytes(), config.keep());
            return new AuditLog(file, clock, new KeyNames(keys));
        } catch (IOException e) {
            throw new UncheckedIOException("the audit cannot be written below " + directory, e);
        }
    }

    /** The domain as faces see it. */
    private record Seen(
            Sandboxes sandboxes, Processes processes, dev.atoll.domain.Files files, Ports ports, Snapshots snapshots,
            Templates templates, Builds builds, Secrets secrets, Volumes volumes, Keys keys, dev.atoll.domain.Node node) {
        Seen(Engine engine, Telemetry telemetry) {
            this(
                    telemetry.observed(Sandboxes.class, engine.sandboxes()),
                    telemetry.observed(Processes.class, engine.processes()),
                    telemetry.observed(dev.atoll.domain.Files.class, engine.files()),
                    telemetry.observed(Ports.class, engine.ports()),
                    telemetry.observed(Snapshots.class, engine.snapshots()),
                    telemetry.observed(Templates.class, engine.templates()),
                    telemetry.observed(Builds.class, engine.builds()),
                    telemetry.observed(Secrets.class, engine.secrets()),
                    telemetry.observed(Volumes.class, engine.volumes()),
                    telemetry.observed(Keys.class, engine.keys()),
                    telemetry.observed(dev.atoll.domain.Node.class, engine.node()));
        }
    }

    private HttpListener listenModal(
            Config config, Layout layout, Seen seen, Telemetry telemetry, Clock clock, SecureRandom random) {
        Optional<CertificateFiles> given = CertificateFiles.ofModal(config);
        var files = new ModalFiles(layout.engineDir().resolve("modal"), config.modal(), given, clock, random);
        var modal = ModalFace.of(
                Settings.modal(config),
                new ModalFace.Domain(
                        seen.sandboxes(), seen.processes(), seen.snapshots(), seen.templates(),
                        seen.builds(), seen.secrets(), seen.keys()),
                files.tokenKey(),
                clock);
        // A certificate is made while nobody waits for it.
        Thread.ofVirtual().name("certificate").start(files::prepare);
        HostPort where = config.modal().listen();
        Tls tls = given.isPresent()
                ? Settings.tls(config, files::tls)
                : new Tls(files::tls, Settings.oldest(config), Tls.Plain.EVERYONE);
        return listen(
                ListenerConfig.on(where.host(), where.port()).withTls(tls), telemetry.traced("modal", modal.handler(), modal.errors()), modal.errors(), random);
    }

    /** Returns when every face serves. */
    static Node start(Config config, String version) {
        var closer = new Closer();
        try {
            return new Node(config, version, closer);
        } catch (RuntimeException e) {
            closer.close();
            throw e;
        }
    }

    Ready ready() {
        return new Ready(nativeListener.port(), daytonaListener.port(), modalListener.port());
    }

    /**
     * Takes certificates as their files are now.
     *
     * @throws ConfigException when one cannot be used; all go on as they are
     */
    void reload() {
        certificates.reload();
    }

    private void reloadForCaller() {
        try {
            reload();
        } catch (ConfigException e) {
            throw new ConflictException(String.valueOf(e.getMessage()));
        }
    }

    private static Optional<String> operatorHash(Path file) {
        try {
            return Optional.of(Files.readString(file).strip());
        } catch (IOException e) {
            throw new UncheckedIOException("the hash of the operator's key cannot be read", e);
        }
    }

    /** Takes no more requests, lets those under way end; sandboxes go on. */
    @Override
    public void close() {
        closer.close();
    }
}
