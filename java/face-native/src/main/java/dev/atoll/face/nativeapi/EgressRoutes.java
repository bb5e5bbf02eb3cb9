package dev.atoll.face.nativeapi;

import dev.atoll.domain.Egress;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxChange;
import dev.atoll.domain.Sandboxes;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import dev.atoll.http.Router;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** What a sandbox may reach, and what it was denied. */
final class EgressRoutes {
    record DenialJson(
            Instant first,
            Instant last,
            long count,
            String protocol,
            Optional<String> address,
            Optional<Integer> port,
            Optional<String> name,
            String reason) {
        static DenialJson of(Egress.Denial denial) {
            return new DenialJson(
                    denial.first(),
                    denial.last(),
                    denial.count(),
                    denial.protocol(),
                    denial.address(),
                    Optional.of(denial.port()).filter(port -> port != 0),
                    Optional.of(denial.name()).filter(name -> !name.isEmpty()),
                    Names.of(denial.reason()));
        }
    }

    record EgressJson(NetworkJson network, Optional<Instant> since, List<DenialJson> denials) {}

    private final Sandboxes sandboxes;
    private final References references;

    EgressRoutes(Sandboxes sandboxes, References references) {
        this.sandboxes = sandboxes;
        this.references = references;
    }

    void addTo(Router.Builder router) {
        router.get("/v1/sandboxes/{sandbox}/egress", this::egress)
                .get("/v1/sandboxes/{sandbox}/network", this::network)
                .put("/v1/sandboxes/{sandbox}/network", this::setNetwork);
    }

    private Response egress(Request request) {
        Egress egress = sandboxes.egress(Authentication.caller(request), references.sandbox(request));
        return Response.json(new EgressJson(
                NetworkJson.of(egress.policy()),
                egress.since(),
                egress.denials().stream().map(DenialJson::of).toList()));
    }

    private Response network(Request request) {
        return answer(sandboxes.get(Authentication.caller(request), references.sandbox(request)));
    }

    private Response setNetwork(Request request) throws IOException {
        NetworkJson in = Input.json(request, NetworkJson.class);
        SandboxChange change = SandboxChange.NOTHING.withNetwork(in.policy(""));
        return answer(sandboxes.update(Authentication.caller(request), references.sandbox(request), change));
    }

    private static Response answer(Sandbox sandbox) {
        return Response.json(NetworkJson.of(sandbox.network()));
    }
}
