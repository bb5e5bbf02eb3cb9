package dev.atoll.app.serve;

import dev.atoll.app.config.Config;
import dev.atoll.app.config.DataSize;
import dev.atoll.app.config.ImagesConfig;
import dev.atoll.app.config.LifecycleConfig;
import dev.atoll.app.config.QuotaConfig;
import dev.atoll.app.config.Span;
import dev.atoll.domain.ProjectId;
import dev.atoll.engine.EngineConfig;
import dev.atoll.engine.EngineConfig.Alias;
import dev.atoll.engine.EngineConfig.Prefer;
import dev.atoll.engine.EngineConfig.ProjectMaxima;
import dev.atoll.engine.Quotas;
import dev.atoll.face.daytona.DaytonaConfig;
import dev.atoll.face.daytona.DaytonaConfig.ExecTimeoutStyle;
import dev.atoll.face.modal.ModalConfig;
import dev.atoll.http.Tls;
import dev.atoll.image.registry.RegistrySettings;
import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import javax.net.ssl.SSLContext;

/** What the configuration means for the parts that are wired. */
final class Settings {
    private Settings() {}

    static EngineConfig engine(Config config, String version, Path sockets, Path state, Optional<String> operatorKeyHash) {
        EngineConfig plain = EngineConfig.defaults(version, sockets, state);
        return new EngineConfig(
                version,
                sockets,
                state,
                config.slots().warm(),
                config.slots().gvisor(),
                config.slots().makers(),
                config.slots().createsAtOnce(),
                config.defaults().resources(),
                config.images().alias().stream().map(Settings::alias).toList(),
                Optional.of(registries(config.images())),
                // The template brings its own: where its bundle lies is known when it is built.
                plain.trustEnv(),
                config.lifecycle().maxIdle().map(Span::duration),
                config.lifecycle().maxLifetime().map(Span::duration),
                config.lifecycle().projects().entrySet().stream()
                        .collect(Collectors.toMap(entry -> new ProjectId(entry.getKey()), entry -> maxima(entry.getValue()))),
                config.limits().spool().bytes(),
                config.limits().keptProcesses(),
                plain.dialTimeout(),
                plain.flushEvery(),
                plain.sampleEvery(),
                config.lifecycle().endedKept().duration(),
                operatorKeyHash,
                new Quotas(quota(config.quotas().all()), config.quotas().projects().entrySet().stream()
                        .collect(Collectors.toMap(entry -> new ProjectId(entry.getKey()), entry -> quota(entry.getValue())))));
    }

    private static Alias alias(ImagesConfig.Alias alias) {
        Prefer prefer = switch (alias.prefer()) {
            case ALIAS -> Prefer.ALIAS;
            case REGISTRY -> Prefer.REGISTRY;
        };
        return new Alias(alias.pattern(), alias.template(), prefer);
    }

    private static RegistrySettings registries(ImagesConfig images) {
        return new RegistrySettings(
                images.registries().stream()
                        .map(r -> new RegistrySettings.Registry(r.host(), r.plainHttp(), r.user(), r.passwordFile().map(Path::of)))
                        .toList(),
                images.dockerConfig().map(Path::of),
                images.open(),
                images.connectTimeout().duration(),
                images.stallTimeout().duration(),
                images.downloads(),
                images.maxSize().bytes());
    }

    private static Quotas.Quota quota(QuotaConfig.Quota quota) {
        return new Quotas.Quota(
                quota.sandboxes(),
                quota.cpu().map(cores -> Math.round(cores * 1000)),
                quota.memory().map(DataSize::bytes),
                quota.disk().map(DataSize::bytes),
                quota.requestsPerSecond());
    }

    private static ProjectMaxima maxima(LifecycleConfig.Maxima maxima) {
        return new ProjectMaxima(maxima.maxIdle().map(Span::duration), maxima.maxLifetime().map(Span::duration));
    }

    /** Of a certificate that the operator gave. */
    static Tls tls(Config config, Supplier<SSLContext> context) {
        return new Tls(context, oldest(config), switch (config.tls().plain()) {
            case THIS_MACHINE -> Tls.Plain.THIS_MACHINE;
            case EVERYONE -> Tls.Plain.EVERYONE;
        });
    }

    static Tls.Version oldest(Config config) {
        return switch (config.tls().oldest()) {
            case TLS_1_3 -> Tls.Version.TLS_1_3;
            case TLS_1_2 -> Tls.Version.TLS_1_2;
        };
    }

    static ModalConfig modal(Config config) {
        return new ModalConfig(config.modal().publicUrl().map(URI::create), ModalConfig.DEFAULTS.isolationOrder());
    }

    static DaytonaConfig daytona(Config config) {
        var face = config.daytona();
        var plain = DaytonaConfig.DEFAULTS;
        return new DaytonaConfig(
                face.listen().host(),
                face.listen().port(),
                face.publicUrl().map(URI::create),
                face.defaultSnapshot(),
                face.snapshotUser(),
                face.target(),
                minutes(face.autoStop()),
                face.autoArchive().map(Settings::minutes).orElse(plain.autoArchiveMinutes()),
                face.autoDelete().map(Settings::minutes).orElse(plain.autoDeleteMinutes()),
                switch (face.execTimeout()) {
                    case EXIT_CODE_124 -> ExecTimeoutStyle.EXIT_CODE_124;
                    case HTTP_408 -> ExecTimeoutStyle.HTTP_408;
                },
                face.isolationOrder());
    }

    private static int minutes(Span span) {
        return Math.toIntExact(span.duration().toMinutes());
    }
}
