package dev.atoll.app.config;

import com.fasterxml.jackson.annotation.JsonProperty;

/** The whole configuration, one record a section. {@link ConfigFile} reads and prints it. */
public record Config(
        @Key("This node and what it is called in the kernel.") NodeConfig node,
        @Key("Atoll's own API, which the command line uses too.") @JsonProperty("native") FaceConfig nativeFace,
        @Key("The API that Daytona's SDKs and Hermes Agent speak.") DaytonaFaceConfig daytona,
        @Key("The API that Modal's SDKs speak, and Hermes Agent with its Modal backend.") ModalFaceConfig modal,
        @Key("TLS of all of these.") TlsConfig tls,
        @Key("Where the disks of sandboxes lie.") PoolConfig pool,
        @Key("Sandboxes prepared in advance.") SlotsConfig slots,
        @Key("What sandboxes reach.") NetworkConfig network,
        @Key("What a sandbox gets that asks for nothing.") DefaultsConfig defaults,
        @Key("What all sandboxes together, or one process, may use.") LimitsConfig limits,
        @Key("Maxima that override what clients ask for.") LifecycleConfig lifecycle,
        @Key("What projects may use.") QuotaConfig quotas,
        @Key("Where disks of archived sandboxes go.") ArchiveConfig archive,
        @Key("Where images come from, and which templates take their place.") ImagesConfig images,
        @Key("Whom sandboxes trust.") TrustConfig trust,
        @Key("What is logged.") LogConfig log,
        @Key("Who did what.") AuditConfig audit,
        @Key("Traces and metrics by OpenTelemetry's protocol.") TelemetryConfig telemetry) {
    public static final Config DEFAULTS = new Config(
            NodeConfig.DEFAULTS,
            FaceConfig.NATIVE,
            DaytonaFaceConfig.DEFAULTS,
            ModalFaceConfig.DEFAULTS,
            TlsConfig.DEFAULTS,
            PoolConfig.DEFAULTS,
            SlotsConfig.DEFAULTS,
            NetworkConfig.DEFAULTS,
            DefaultsConfig.DEFAULTS,
            LimitsConfig.DEFAULTS,
            LifecycleConfig.DEFAULTS,
            QuotaConfig.DEFAULTS,
            ArchiveConfig.DEFAULTS,
            ImagesConfig.DEFAULTS,
            TrustConfig.DEFAULTS,
            LogConfig.DEFAULTS,
            AuditConfig.DEFAULTS,
            TelemetryConfig.DEFAULTS);

    /** Every face on this address of the machine, on its own port. */
    public Config listeningOn(String host) {
        return new Config(
                node,
                new FaceConfig(nativeFace.listen().withHost(host), nativeFace.publicUrl()),
                daytona.listeningOn(host),
                modal.listeningOn(host),
                tls,
                pool, slots, network, defaults, limits, lifecycle, quotas, archive, images, trust, log, audit, telemetry);
    }
}
