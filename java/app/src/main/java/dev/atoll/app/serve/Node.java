package dev.atoll.app.serve;

import dev.atoll.app.config.Config;
import dev.atoll.app.config.ConfigPrinter;
import dev.atoll.app.config.HostPort;
import dev.atoll.app.run.Layout;
import dev.atoll.app.run.Ready;
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
        var store = closer.add(SqliteStore.open(layout.engineDir().resolve("atoll.db")));
        var warden = closer.add(Warden.at(layout.wardenSocket()));
        var hub = closer.add(new GuestHub());
        Engine engine = closer.add(Engine.start(
                Settings.engine(config, version, layout.sockets(), layout.engineDir(), operatorHash(layout.operatorHash())),
                clock, random, store, warden, hub, metrics, KillPoints.NONE,
                ArchiveSettings.open(config.archive(), layout.engineDir(), random)));

        var routes = NativeApi.routes(
                new NativeApi.Domain(
                        engine.sandboxes(), engine.processes(), engine.files(), engine.ports(), engine.snapshots(),
                        engine.templates(), engine.builds(), engine.secrets(), engine.volumes(), engine.keys(), engine.node()),
                new NativeApi.Options(DEFAULT_TEMPLATE, metrics::scrape, false));
        var daytona = DaytonaFace.of(
                Settings.daytona(config),
                new DaytonaFace.Domain(
                        engine.sandboxes(), engine.processes(), engine.files(), engine.ports(), engine.snapshots(),
                        engine.templates(), engine.keys(), engine.node()),
                clock);
        nativeListener = listen(config.nativeFace().listen(), routes, NativeApi.errors(), random);
        daytonaListener = listen(config.daytona().listen(), daytona.router(), daytona.errors(), random);
        modalListener = listenModal(config, layout, engine, clock, random);
    }

    private HttpListener listen(HostPort where, Handler handler, ErrorMapper errors, SecureRandom random) {
        return listen(ListenerConfig.on(where.host(), where.port()), handler, errors, random);
    }

    private HttpListener listen(ListenerConfig where, Handler handler, ErrorMapper errors, SecureRandom random) {
        return closer.add(HttpListener.start(where, handler, errors, random));
    }

    private HttpListener listenModal(Config config, Layout layout, Engine engine, Clock clock, SecureRandom random) {
        var files = new ModalFiles(layout.engineDir().resolve("modal"), config.modal(), clock, random);
        var modal = ModalFace.of(
                Settings.modal(config),
                new ModalFace.Domain(
                        engine.sandboxes(), engine.processes(), engine.snapshots(), engine.templates(),
                        engine.builds(), engine.secrets(), engine.keys()),
                files.tokenKey(),
                clock);
        // A certificate is made while nobody waits for it.
        Thread.ofVirtual().name("certificate").start(files::prepare);
        HostPort where = config.modal().listen();
        return listen(
                ListenerConfig.on(where.host(), where.port()).withTls(files::tls), modal.handler(), modal.errors(), random);
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
