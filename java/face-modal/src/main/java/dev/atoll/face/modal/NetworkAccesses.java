package dev.atoll.face.modal;

import dev.atoll.domain.Cidr;
import dev.atoll.domain.DomainPattern;
import dev.atoll.domain.NetworkPolicy;
import dev.atoll.domain.SandboxChange;
import dev.atoll.domain.Sandboxes;
import dev.atoll.face.modal.wire.NetworkAccess;
import dev.atoll.face.modal.wire.Sandbox;
import dev.atoll.face.modal.wire.TaskSetNetworkAccessRequest;
import dev.atoll.face.modal.wire.TaskSetNetworkAccessResponse;
import dev.atoll.grpc.Call;
import java.util.List;
import java.util.Optional;

/** What a sandbox may reach: at its create, and changed while it runs. */
final class NetworkAccesses {
    private final Sandboxes sandboxes;

    NetworkAccesses(Sandboxes sandboxes) {
        this.sandboxes = sandboxes;
    }

    void addTo(Methods methods) {
        methods.router(
                "TaskSetNetworkAccess",
                TaskSetNetworkAccessRequest.parser(),
                TaskSetNetworkAccessRequest::getTaskId,
                this::change);
    }

    private TaskSetNetworkAccessResponse change(Inside inside, TaskSetNetworkAccessRequest request, Call call) {
        NetworkPolicy policy = policy(request.getNetworkAccess(), NetworkPolicy.OPEN);
        var unused = sandboxes.update(inside.caller(), inside.sandbox(), SandboxChange.NOTHING.withNetwork(policy));
        return TaskSetNetworkAccessResponse.getDefaultInstance();
    }

    static NetworkPolicy policy(Sandbox definition) {
        return policy(
                definition.getNetworkAccess(),
                definition.getBlockNetwork() ? NetworkPolicy.NONE : NetworkPolicy.OPEN);
    }

    private static NetworkPolicy policy(NetworkAccess access, NetworkPolicy unspecified) {
        return switch (access.getNetworkAccessType()) {
            case UNSPECIFIED -> unspecified;
            case OPEN -> NetworkPolicy.OPEN;
            case BLOCKED -> NetworkPolicy.NONE;
            case ALLOWLIST, UNRECOGNIZED -> allowList(access);
        };
    }

    /** Empty lists allow nothing. Without names every name resolves, and what it opens say the ranges. */
    private static NetworkPolicy allowList(NetworkAccess access) {
        if (access.getAllowedCidrsCount() == 0 && access.getAllowedDomainsCount() == 0) {
            return NetworkPolicy.NONE;
        }
        List<DomainPattern> domains = access.getAllowedDomainsList().stream()
                .map(name -> DomainPattern.parse("allowed_domains", name))
                .toList();
        return new NetworkPolicy.Only(
                access.getAllowedCidrsList().stream()
                        .map(range -> Cidr.parse("allowed_cidrs", range))
                        .toList(),
                List.of(),
                Optional.of(domains).filter(names -> !names.isEmpty()));
    }
}
