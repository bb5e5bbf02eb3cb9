package dev.atoll.face.modal;

import dev.atoll.domain.Builds;
import dev.atoll.domain.Keys;
import dev.atoll.domain.Processes;
import dev.atoll.domain.Sandboxes;
import dev.atoll.domain.Secrets;
import dev.atoll.domain.Snapshots;
import dev.atoll.domain.Templates;
import dev.atoll.grpc.GrpcHandler;
import dev.atoll.http.ErrorMapper;
import dev.atoll.http.Handler;
import java.time.Clock;

/**
 * Modal's two gRPC services, for one listener that speaks HTTP/2 with and without TLS.
 *
 * @param handler answers every request
 * @param errors turns what the listener refuses into a status
 */
public record ModalFace(Handler handler, ErrorMapper errors) {
    /** Clients send files in pieces of at most 4 MiB, and a little beside them. */
    private static final int MAX_MESSAGE_BYTES = 16 << 20;

    /** The parts of the domain that this face translates to. */
    public record Domain(
            Sandboxes sandboxes,
            Processes processes,
            Snapshots snapshots,
            Templates templates,
            Builds builds,
            Secrets secrets,
            Keys keys) {}

    /** @param tokenKey signs what clients bear to a sandbox's router; 32 bytes that survive a restart */
    public static ModalFace of(ModalConfig config, Domain domain, byte[] tokenKey, Clock clock) {
        var tokens = new Tokens(tokenKey, clock);
        var table = GrpcHandler.builder(MAX_MESSAGE_BYTES, Failures::of);
        var methods = new Methods(table, new Authentication(domain.keys()), tokens);
        var images = new ImageReferences(domain.templates(), domain.snapshots());
        var lookup = new Lookup(domain.sandboxes());
        var router = new RouterAccess(tokens, new RouterUrl(config.publicUrl()));
        new ServerCalls(tokens).addTo(methods);
        new SecretCalls(domain.secrets()).addTo(methods);
        new ImageCalls(domain.builds(), domain.templates(), domain.snapshots(), images).addTo(methods);
        new SandboxCalls(domain.sandboxes(), lookup, new CreateTranslation(config, images), router).addTo(methods);
        new NetworkAccesses(domain.sandboxes()).addTo(methods);
        new ListCalls(domain.sandboxes(), lookup).addTo(methods);
        new EntrypointCalls(domain.sandboxes(), domain.processes(), lookup).addTo(methods);
        new ExecCalls(domain.processes()).addTo(methods);
        new LegacyExecCalls(domain.processes()).addTo(methods);
        new SnapshotCalls(domain.snapshots()).addTo(methods);
        return new ModalFace(table.build(), GrpcHandler.refusals());
    }
}
