package dev.atoll.face.modal;

import dev.atoll.domain.ActivityKind;
import dev.atoll.domain.Caller;
import dev.atoll.domain.CreateSandbox;
import dev.atoll.domain.Entrypoint;
import dev.atoll.domain.EnvSource;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.LifecycleRule;
import dev.atoll.domain.LifecycleRule.Action;
import dev.atoll.domain.LifecycleRule.Since;
import dev.atoll.domain.Resources;
import dev.atoll.domain.SandboxState;
import dev.atoll.face.modal.wire.Sandbox;
import dev.atoll.face.modal.wire.SandboxTag;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** From the vendor's definition of a sandbox to ours. */
final class CreateTranslation {
    private static final int DEFAULT_TIMEOUT_SECONDS = 300;
    private static final int LONGEST_TIMEOUT_SECONDS = 24 * 3600;
    /**
     * With the vendor a request is what a sandbox is guaranteed, and it may use more while there is
     * more. Ours is a bound, so a small request becomes at least this.
     */
    private static final int LEAST_CPU_MILLIS = 1000;
    private static final long LEAST_MEMORY_BYTES = Resources.GIB;
    /** What the vendor's documentation counts as use; the entrypoint does not keep a sandbox awake. */
    private static final Set<ActivityKind> USE =
            Set.of(ActivityKind.PROCESS_RUNNING, ActivityKind.STDIN, ActivityKind.TUNNEL);

    /**
     * What the two dialects' creates have in common.
     *
     * @param secrets in the order of their precedence
     */
    record Request(
            Dialect dialect,
            String appId,
            Sandbox definition,
            List<SandboxTag> tags,
            List<EnvSource> secrets,
            Optional<String> idempotencyKey) {}

    private final ModalConfig config;
    private final ImageReferences images;

    CreateTranslation(ModalConfig config, ImageReferences images) {
        this.config = config;
        this.images = images;
    }

    CreateSandbox translate(Caller caller, Request request) {
        Sandbox definition = request.definition();
        refuseUnoffered(definition);
        var labels = new HashMap<>(Labels.asLabels(request.tags()));
        labels.put(Labels.APP, request.appId());
        labels.put(Labels.ENVIRONMENT, VendorIds.environmentOf(request.appId()));
        Optional<String> name = Optional.of(definition.getName()).filter(n -> !n.isEmpty());
        return CreateSandbox.from(images.source(caller, definition.getImageId()))
                .name(name.map(n -> SandboxNames.of(n, request.appId())))
                .labels(labels)
                .isolationOrder(config.isolationOrder())
                .cpuMillis(cpu(definition.getResources()))
                .memoryBytes(memory(definition.getResources()))
                .diskBytes(disk(definition.getResources()))
                .workdir(Optional.of(definition.getWorkdir()).filter(w -> !w.isEmpty()))
                .network(NetworkAccesses.policy(definition))
                .rules(rules(definition))
                .attributes(new Attributes(request.dialect(), name.orElse(""), definition.getImageId()).asMap())
                .secrets(request.secrets())
                .entrypoint(Optional.of(entrypoint(definition)))
                .idempotencyKey(request.idempotencyKey())
                .build();
    }

    private static void refuseUnoffered(Sandbox definition) {
        NotOffered.unless(definition.getMountIdsCount() == 0, "local files in sandboxes (mounts)");
        NotOffered.unless(definition.getNfsMountsCount() == 0, "network file systems");
        NotOffered.unless(definition.getVolumeMountsCount() == 0, "volumes");
        NotOffered.unless(definition.getCloudBucketMountsCount() == 0, "cloud buckets");
        NotOffered.unless(definition.getOpenPorts().getPortsCount() == 0, "tunnels (open ports)");
        NotOffered.unless(definition.getProxyId().isEmpty(), "proxies");
        NotOffered.unless(definition.getCustomDomain().isEmpty(), "custom domains");
        NotOffered.unless(!definition.getIncludeOidcIdentityToken(), "identity tokens");
        NotOffered.unless(!definition.hasReadinessProbe(), "readiness probes");
        NotOffered.unless(definition.getInboundCidrAllowlistCount() == 0, "inbound allow lists");
        NotOffered.unless(definition.getResources().getGpuConfig().getCount() == 0, "GPUs");
        NotOffered.unless(!definition.getEnableSnapshot(), "memory snapshots (enable_snapshot)");
        NotOffered.unless(!definition.getRuntime().equals("vm"), "sandboxes of the runtime 'vm'");
    }

    /** The arguments are an image's command in the words of OCI. */
    private static Entrypoint.Request entrypoint(Sandbox definition) {
        List<String> arguments = definition.getEntrypointArgsList();
        return new Entrypoint.Request(
                Optional.empty(),
                arguments.isEmpty() ? Optional.empty() : Optional.of(arguments),
                Ptys.of(definition.getPtyInfo()),
                true);
    }

    private static Optional<Integer> cpu(dev.atoll.face.modal.wire.Resources asked) {
        int bound = asked.getMilliCpuMax();
        if (bound != 0) {
            return Optional.of(bound);
        }
        return asked.getMilliCpu() == 0 ? Optional.empty() : Optional.of(Math.max(asked.getMilliCpu(), LEAST_CPU_MILLIS));
    }

    private static Optional<Long> memory(dev.atoll.face.modal.wire.Resources asked) {
        long bound = Integer.toUnsignedLong(asked.getMemoryMbMax()) * Resources.MIB;
        if (bound != 0) {
            return Optional.of(bound);
        }
        long request = Integer.toUnsignedLong(asked.getMemoryMb()) * Resources.MIB;
        return request == 0 ? Optional.empty() : Optional.of(Math.max(request, LEAST_MEMORY_BYTES));
    }

    private static Optional<Long> disk(dev.atoll.face.modal.wire.Resources asked) {
        long megabytes = Integer.toUnsignedLong(asked.getEphemeralDiskMb());
        return megabytes == 0 ? Optional.empty() : Optional.of(megabytes * Resources.MIB);
    }

    private static List<LifecycleRule> rules(Sandbox definition) {
        int timeout = definition.getTimeoutSecs() == 0 ? DEFAULT_TIMEOUT_SECONDS : definition.getTimeoutSecs();
        InvalidFieldException.requireRange("timeout", Integer.toUnsignedLong(timeout), 1, LONGEST_TIMEOUT_SECONDS);
        var rules = new ArrayList<LifecycleRule>();
        rules.add(delete(Since.CREATION, timeout, Set.of()));
        if (definition.getIdleTimeoutSecs() != 0) {
            InvalidFieldException.requireRange(
                    "idle_timeout", Integer.toUnsignedLong(definition.getIdleTimeoutSecs()), 1, LONGEST_TIMEOUT_SECONDS);
            rules.add(delete(Since.LAST_ACTIVITY, definition.getIdleTimeoutSecs(), USE));
        }
        return rules;
    }

    private static LifecycleRule delete(Since since, int seconds, Set<ActivityKind> counts) {
        return new LifecycleRule(SandboxState.RUNNING, since, Duration.ofSeconds(seconds), Action.DELETE, counts);
    }
}
