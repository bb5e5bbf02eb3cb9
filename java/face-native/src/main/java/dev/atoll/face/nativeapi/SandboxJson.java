package dev.atoll.face.nativeapi;

import dev.atoll.domain.Entrypoint;
import dev.atoll.domain.Outcome;
import dev.atoll.domain.Resources;
import dev.atoll.domain.Sandbox;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A sandbox as clients read it. */
record SandboxJson(
        String id,
        String name,
        String project,
        String state,
        Optional<OperationJson> operation,
        Optional<String> held,
        Optional<String> failure,
        String template,
        String templateName,
        String isolation,
        ResourcesJson resources,
        Map<String, String> env,
        String user,
        String workdir,
        Map<String, String> labels,
        NetworkJson network,
        List<RuleJson> rules,
        List<VolumeRoutes.MountJson> volumes,
        long generation,
        Optional<String> parent,
        Instant createdAt,
        Instant stateSince,
        Instant lastActivity,
        Optional<EntrypointJson> entrypoint,
        Optional<OutcomeJson> outcome) {
    record OperationJson(String name, Instant since) {}

    record ResourcesJson(int cpuMillis, long memoryBytes, long diskBytes, int gpus) {
        static ResourcesJson of(Resources resources) {
            return new ResourcesJson(
                    resources.cpuMillis(), resources.memoryBytes(), resources.diskBytes(), resources.gpus());
        }
    }

    /** The process it is for; that one's own state is read under {@code processId}. */
    record EntrypointJson(String processId, List<String> argv, boolean endsSandbox) {
        static EntrypointJson of(Entrypoint entrypoint) {
            return new EntrypointJson(Entrypoint.PROCESS.value(), entrypoint.argv(), entrypoint.endsSandbox());
        }
    }

    /** @param exit of the entrypoint, when it ended before the sandbox did */
    record OutcomeJson(String kind, Optional<ProcessJson.ExitJson> exit, String detail, Instant endedAt) {
        static OutcomeJson of(Outcome outcome) {
            return new OutcomeJson(
                    Names.of(outcome.kind()), outcome.exit().map(ProcessJson.ExitJson::of), outcome.detail(),
                    outcome.endedAt());
        }
    }

    static SandboxJson of(Sandbox sandbox) {
        return new SandboxJson(
                sandbox.id().value(),
                sandbox.name(),
                sandbox.project().value(),
                Names.of(sandbox.state()),
                sandbox.underWay().map(o -> new OperationJson(Names.of(o.operation()), o.since())),
                sandbox.hold().map(Names::of),
                sandbox.failure(),
                sandbox.template().value(),
                sandbox.templateName(),
                Names.of(sandbox.isolation()),
                ResourcesJson.of(sandbox.resources()),
                sandbox.env(),
                sandbox.user(),
                sandbox.workdir(),
                sandbox.labels(),
                NetworkJson.of(sandbox.network()),
                sandbox.rules().stream().map(RuleJson::of).toList(),
                sandbox.volumes().stream().map(VolumeRoutes.MountJson::of).toList(),
                sandbox.generation(),
                sandbox.parent().map(Object::toString),
                sandbox.createdAt(),
                sandbox.stateSince(),
                sandbox.lastActivity(),
                sandbox.entrypoint().map(EntrypointJson::of),
                sandbox.outcome().map(OutcomeJson::of));
    }
}
