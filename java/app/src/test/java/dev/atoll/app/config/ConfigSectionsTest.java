package dev.atoll.app.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.Isolation;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two tests a section: its defaults as written down here, and a file that sets each of its keys. */
class ConfigSectionsTest {
    @TempDir
    private Path dir;

    private <T> void mapped(Function<Config, T> section, String yaml, T expected) throws Exception {
        Path file = Files.writeString(dir.resolve("atoll.yaml"), yaml);
        Config config = ConfigFile.load(Optional.of(file), List.of());
        assertThat(section.apply(config)).isEqualTo(expected);
        // No key is left out of the file, or the mapping of that key would not be tested.
        var values = ConfigFile.YAML.valueToTree(section.apply(config));
        var ordinary = ConfigFile.YAML.valueToTree(section.apply(Config.DEFAULTS));
        values.propertyNames().forEach(key ->
                assertThat(values.get(key)).as("value of " + key).isNotEqualTo(ordinary.get(key)));
    }

    @Test
    void nodeDefaults() {
        assertThat(Config.DEFAULTS.node())
                .isEqualTo(new NodeConfig("default", "/var/lib/atoll", "atoll", 1_073_741_824L, 1024));
    }

    @Test
    void nodeMapped() throws Exception {
        mapped(Config::node, """
                node: {instance: x1, state_dir: /srv/atoll, user: sandboxes, id_base: 1342177280, max_sandboxes: 50}
                """, new NodeConfig("x1", "/srv/atoll", "sandboxes", 1_342_177_280L, 50));
    }

    @Test
    void nativeDefaults() {
        assertThat(Config.DEFAULTS.nativeFace())
                .isEqualTo(new FaceConfig(new HostPort("127.0.0.1", 7280), Optional.empty()));
    }

    @Test
    void nativeMapped() throws Exception {
        mapped(Config::nativeFace, """
                native:
                  listen: 0.0.0.0:80
                  public_url: https://atoll.example
                """, new FaceConfig(new HostPort("0.0.0.0", 80), Optional.of("https://atoll.example")));
    }

    @Test
    void daytonaDefaults() {
        assertThat(Config.DEFAULTS.daytona())
                .isEqualTo(new DaytonaFaceConfig(
                        new HostPort("127.0.0.1", 3000),
                        Optional.empty(),
                        "base",
                        Optional.empty(),
                        "local",
                        new Span(Duration.ofMinutes(15)),
                        Optional.empty(),
                        Optional.empty(),
                        DaytonaFaceConfig.ExecTimeout.EXIT_CODE_124,
                        List.of(Isolation.CONTAINER)));
    }

    @Test
    void daytonaMapped() throws Exception {
        mapped(Config::daytona, """
                daytona:
                  listen: "[::1]:3001"
                  public_url: http://daytona.example:3001
                  default_snapshot: mine
                  snapshot_user: daytona
                  target: eu
                  auto_stop: 0m
                  auto_archive: 7d
                  auto_delete: 2h
                  exec_timeout: http_408
                  isolation_order: [gvisor, container]
                """, new DaytonaFaceConfig(
                new HostPort("::1", 3001),
                Optional.of("http://daytona.example:3001"),
                "mine",
                Optional.of("daytona"),
                "eu",
                new Span(Duration.ZERO),
                Optional.of(new Span(Duration.ofDays(7))),
                Optional.of(new Span(Duration.ofHours(2))),
                DaytonaFaceConfig.ExecTimeout.HTTP_408,
                List.of(Isolation.GVISOR, Isolation.CONTAINER)));
    }

    @Test
    void modalDefaults() {
        assertThat(Config.DEFAULTS.modal())
                .isEqualTo(new ModalFaceConfig(
                        new HostPort("127.0.0.1", 7281), Optional.empty(), Optional.empty(), Optional.empty()));
    }

    @Test
    void modalMapped() throws Exception {
        mapped(Config::modal, """
                modal:
                  listen: 0.0.0.0:7281
                  public_url: https://modal.example
                  certificate: /etc/atoll/modal.crt
                  certificate_key: /etc/atoll/modal.key
                """, new ModalFaceConfig(
                new HostPort("0.0.0.0", 7281),
                Optional.of("https://modal.example"),
                Optional.of("/etc/atoll/modal.crt"),
                Optional.of("/etc/atoll/modal.key")));
    }

    @Test
    void poolDefaults() {
        assertThat(Config.DEFAULTS.pool())
                .isEqualTo(new PoolConfig(
                        PoolConfig.Kind.LOOP,
                        Optional.empty(),
                        new DataSize(64L << 30),
                        new DataSize(2L << 30),
                        new DataSize(512L << 20)));
    }

    @Test
    void poolMapped() throws Exception {
        mapped(Config::pool, """
                pool: {kind: dir, dir: /pool, size: 1.5TiB, admission_free: 10GiB, freeze_free: 1GiB}
                """, new PoolConfig(
                PoolConfig.Kind.DIR,
                Optional.of("/pool"),
                new DataSize(1536L << 30),
                new DataSize(10L << 30),
                new DataSize(1L << 30)));
    }

    @Test
    void slotsDefaults() {
        assertThat(Config.DEFAULTS.slots()).isEqualTo(new SlotsConfig(16, 2, 2, 16));
    }

    @Test
    void slotsMapped() throws Exception {
        mapped(Config::slots, "slots: {warm: 0, gvisor: 1, makers: 3, creates_at_once: 4}\n", new SlotsConfig(0, 1, 3, 4));
    }

    @Test
    void networkDefaults() {
        assertThat(Config.DEFAULTS.network())
                .isEqualTo(new NetworkConfig(
                        "10.200.0.0/16",
                        List.of(
                                "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32",
                                "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15",
                                "224.0.0.0/4", "240.0.0.0/4", "::1/128", "64:ff9b::/96", "fc00::/7", "fe80::/10",
                                "ff00::/8"),
                        List.of(),
                        List.of()));
    }

    @Test
    void networkMapped() throws Exception {
        mapped(Config::network, """
                network: {subnet: 10.9.0.0/20, deny: [1.2.3.0/24], allow: [10.0.0.5, "fd00::/8"], upstream: [9.9.9.9]}
                """, new NetworkConfig(
                "10.9.0.0/20", List.of("1.2.3.0/24"), List.of("10.0.0.5", "fd00::/8"), List.of("9.9.9.9")));
    }

    @Test
    void defaultsDefaults() {
        assertThat(Config.DEFAULTS.defaults())
                .isEqualTo(new DefaultsConfig(2, new DataSize(4L << 30), new DataSize(10L << 30), 4096));
    }

    @Test
    void defaultsMapped() throws Exception {
        mapped(Config::defaults, "defaults: {cpu: 0.5, memory: 512MiB, disk: 2GiB, pids: 100}\n",
                new DefaultsConfig(0.5, new DataSize(512L << 20), new DataSize(2L << 30), 100));
    }

    @Test
    void limitsDefaults() {
        assertThat(Config.DEFAULTS.limits())
                .isEqualTo(new LimitsConfig(new DataSize(1L << 30), 1.0, new DataSize(8L << 20), 1000));
    }

    @Test
    void limitsMapped() throws Exception {
        mapped(Config::limits, """
                limits: {host_reserve: 2GiB, memory_overcommit: 1.5, spool: 1MiB, kept_processes: 10}
                """, new LimitsConfig(new DataSize(2L << 30), 1.5, new DataSize(1L << 20), 10));
    }

    @Test
    void quotasDefaults() {
        assertThat(Config.DEFAULTS.quotas())
                .isEqualTo(new QuotaConfig(
                        Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Map.of()));
    }

    @Test
    void quotasMapped() throws Exception {
        mapped(Config::quotas, """
                quotas:
                  sandboxes: 100
                  cpu: 32.5
                  memory: 64GiB
                  disk: 1TiB
                  requests_per_second: 50
                  projects:
                    ci: {sandboxes: 3}
                """, new QuotaConfig(
                Optional.of(100), Optional.of(32.5), Optional.of(DataSize.parse("64GiB")),
                Optional.of(DataSize.parse("1TiB")), Optional.of(50),
                Map.of("ci", new QuotaConfig.Quota(
                        Optional.of(3), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty()))));
    }

    @Test
    void archiveDefaults() {
        assertThat(Config.DEFAULTS.archive())
                .isEqualTo(new ArchiveConfig(
                        ArchiveConfig.Store.NONE, Optional.empty(), Optional.empty(), Optional.empty(), "us-east-1",
                        Optional.empty(), "", Optional.empty(), Optional.empty()));
    }

    @Test
    void archiveMapped() throws Exception {
        mapped(Config::archive, """
                archive:
                  store: s3
                  directory: /srv/archive
                  key_file: /etc/atoll/archive.key
                  s3_endpoint: https://s3.example:9000
                  s3_region: eu-1
                  s3_bucket: disks
                  s3_prefix: node-1/
                  s3_access_key: atoll
                  s3_secret_key_file: /etc/atoll/s3.secret
                """, new ArchiveConfig(
                ArchiveConfig.Store.S3, Optional.of("/srv/archive"), Optional.of("/etc/atoll/archive.key"),
                Optional.of("https://s3.example:9000"), "eu-1", Optional.of("disks"), "node-1/", Optional.of("atoll"),
                Optional.of("/etc/atoll/s3.secret")));
    }

    @Test
    void lifecycleDefaults() {
        assertThat(Config.DEFAULTS.lifecycle())
                .isEqualTo(new LifecycleConfig(Optional.empty(), Optional.empty(), Span.parse("1d"), Map.of()));
    }

    @Test
    void lifecycleMapped() throws Exception {
        mapped(Config::lifecycle, """
                lifecycle:
                  max_idle: 90m
                  max_lifetime: 7d
                  ended_kept: 2h
                  projects:
                    ci: {max_idle: 30s}
                """, new LifecycleConfig(
                Optional.of(new Span(Duration.ofMinutes(90))),
                Optional.of(new Span(Duration.ofDays(7))),
                new Span(Duration.ofHours(2)),
                Map.of("ci", new LifecycleConfig.Maxima(Optional.of(new Span(Duration.ofSeconds(30))), Optional.empty()))));
    }

    @Test
    void imagesDefaults() {
        assertThat(Config.DEFAULTS.images().alias())
                .extracting(ImagesConfig.Alias::pattern)
                .containsExactly(
                        "nikolaik/python-nodejs:*", "daytonaio/sandbox:*", "python:*", "debian:*", "ubuntu:*", "node:*",
                        "alpine:*");
        assertThat(Config.DEFAULTS.images().alias())
                .allMatch(a -> a.template().equals("base") && a.prefer() == ImagesConfig.Prefer.REGISTRY);
    }

    @Test
    void imagesMapped() throws Exception {
        mapped(Config::images, """
                images:
                  alias:
                    - {pattern: "python:3.*", template: mine, prefer: alias}
                  registries:
                    - {host: "registry.example:5000", user: me, password_file: /etc/atoll/registry, plain_http: true}
                    - {host: docker.io}
                  docker_config: /etc/atoll/docker.json
                  open: false
                  connect_timeout: 1s
                  stall_timeout: 1m
                  downloads: 2
                  max_size: 1GiB
                """, new ImagesConfig(
                List.of(new ImagesConfig.Alias("python:3.*", "mine", ImagesConfig.Prefer.ALIAS)),
                List.of(
                        new ImagesConfig.Registry(
                                "registry.example:5000", true, Optional.of("me"), Optional.of("/etc/atoll/registry")),
                        new ImagesConfig.Registry("docker.io", false, Optional.empty(), Optional.empty())),
                Optional.of("/etc/atoll/docker.json"), false, Span.parse("1s"), Span.parse("1m"), 2,
                DataSize.parse("1GiB")));
    }

    @Test
    void trustDefaults() {
        assertThat(Config.DEFAULTS.trust()).isEqualTo(new TrustConfig("host"));
        assertThat(Config.DEFAULTS.trust().bundle()).isEqualTo("/etc/ssl/certs/ca-certificates.crt");
    }

    @Test
    void trustMapped() throws Exception {
        mapped(Config::trust, "trust: {extra_ca: /etc/company.pem}\n", new TrustConfig("/etc/company.pem"));
    }

    @Test
    void logDefaults() {
        assertThat(Config.DEFAULTS.log()).isEqualTo(new LogConfig(LogConfig.Level.INFO, LogConfig.Format.TEXT));
    }

    @Test
    void logMapped() throws Exception {
        mapped(Config::log, "log: {level: debug, format: json}\n", new LogConfig(LogConfig.Level.DEBUG, LogConfig.Format.JSON));
    }

    @Test
    void tlsDefaults() {
        assertThat(Config.DEFAULTS.tls()).isEqualTo(new TlsConfig(
                Optional.empty(), Optional.empty(), TlsConfig.Version.TLS_1_3, TlsConfig.Plain.THIS_MACHINE));
    }

    @Test
    void tlsMapped() throws Exception {
        mapped(Config::tls, """
                tls: {certificate: /etc/c.pem, certificate_key: /etc/k.pem, oldest: tls1.2, plain: everyone}
                """, new TlsConfig(
                        Optional.of("/etc/c.pem"), Optional.of("/etc/k.pem"), TlsConfig.Version.TLS_1_2,
                        TlsConfig.Plain.EVERYONE));
    }

    @Test
    void auditDefaults() {
        assertThat(Config.DEFAULTS.audit()).isEqualTo(new AuditConfig(true, DataSize.parse("64MiB"), 16));
    }

    @Test
    void auditMapped() throws Exception {
        mapped(Config::audit, "audit: {enabled: false, max_size: 1MiB, keep: 3}\n",
                new AuditConfig(false, DataSize.parse("1MiB"), 3));
    }

    @Test
    void telemetryDefaults() {
        assertThat(Config.DEFAULTS.telemetry())
                .isEqualTo(new TelemetryConfig(Optional.empty(), true, 1, true, Span.parse("60s"), "atoll"));
    }

    @Test
    void telemetryMapped() throws Exception {
        mapped(Config::telemetry, """
                telemetry:
                  otlp_endpoint: http://collector:4318
                  traces: false
                  sample: 0.25
                  metrics: false
                  metrics_every: 10s
                  service_name: sandboxes
                """, new TelemetryConfig(
                        Optional.of("http://collector:4318"), false, 0.25, false, Span.parse("10s"), "sandboxes"));
    }
}
