package dev.atoll.face.daytona;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.atoll.domain.Resources;
import dev.atoll.domain.Sandbox;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The vendor's Sandbox. Every field that SDK 0.155 requires is always there.
 *
 * @param cpu CPUs; @param memory GiB; @param disk GiB; fractions when the sandbox was made elsewhere
 */
record VendorSandbox(
        String id,
        String organizationId,
        String name,
        Optional<String> snapshot,
        String user,
        Map<String, String> env,
        Map<String, String> labels,
        @JsonProperty("public") boolean isPublic,
        boolean networkBlockAll,
        Optional<String> networkAllowList,
        Optional<String> domainAllowList,
        String target,
        Number cpu,
        int gpu,
        Number memory,
        Number disk,
        String state,
        String desiredState,
        Optional<String> errorReason,
        boolean recoverable,
        int autoStopInterval,
        int autoArchiveInterval,
        int autoDeleteInterval,
        List<Object> volumes,
        Optional<BuildInfo> buildInfo,
        Instant createdAt,
        Instant updatedAt,
        Instant lastActivityAt,
        String sandboxClass,
        String toolboxProxyUrl) {

    /** How the image was made; {@code snapshotRef} names what it resolved to. */
    record BuildInfo(String dockerfileContent, Instant createdAt, Instant updatedAt, String snapshotRef) {}

    static VendorSandbox of(Sandbox sandbox, String toolboxProxyUrl) {
        Attributes attributes = Attributes.of(sandbox);
        Resources resources = sandbox.resources();
        NetworkSettings network = NetworkSettings.of(sandbox.network());
        return new VendorSandbox(
                VendorIds.uuid(sandbox.id().value()),
                sandbox.project().value(),
                sandbox.name().equals(sandbox.id().value()) ? VendorIds.uuid(sandbox.name()) : sandbox.name(),
                attributes.dockerfile().isPresent()
                        ? Optional.empty()
                        : Optional.of(attributes.snapshot().orElse(sandbox.templateName())),
                sandbox.user(),
                attributes.shown(sandbox.env()),
                sandbox.labels(),
                attributes.isPublic(),
                Boolean.TRUE.equals(network.networkBlockAll()),
                Optional.ofNullable(network.networkAllowList()),
                Optional.ofNullable(network.domainAllowList()),
                attributes.target(),
                quotient(resources.cpuMillis(), 1000),
                resources.gpus(),
                quotient(resources.memoryBytes(), Resources.GIB),
                quotient(resources.diskBytes(), Resources.GIB),
                VendorState.of(sandbox),
                VendorState.desired(sandbox),
                sandbox.failure(),
                false,
                Interval.AUTO_STOP.minutes(sandbox.rules()),
                Interval.AUTO_ARCHIVE.minutes(sandbox.rules()),
                Interval.AUTO_DELETE.minutes(sandbox.rules()),
                List.of(),
                attributes.dockerfile()
                        .map(text -> new BuildInfo(text, sandbox.createdAt(), sandbox.createdAt(), sandbox.templateName())),
                sandbox.createdAt(),
                sandbox.stateSince(),
                sandbox.lastActivity(),
                "container",
                toolboxProxyUrl);
    }

    VendorSandbox withState(String value) {
        return new VendorSandbox(
                id, organizationId, name, snapshot, user, env, labels, isPublic, networkBlockAll, networkAllowList,
                domainAllowList, target, cpu, gpu, memory, disk, value, value, errorReason, recoverable, autoStopInterval, autoArchiveInterval,
                autoDeleteInterval, volumes, buildInfo, createdAt, updatedAt, lastActivityAt, sandboxClass,
                toolboxProxyUrl);
    }

    private static Number quotient(long amount, long unit) {
        if (amount % unit == 0) {
            return amount / unit;
        }
        return (double) amount / unit;
    }
}
