package dev.atoll.face.nativeapi;

import dev.atoll.domain.Caller;
import dev.atoll.domain.Secret;
import dev.atoll.domain.Secrets;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import dev.atoll.http.Router;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Secrets of the project; their values go in and never out. */
final class SecretRoutes {
    /** @param ifTaken {@code refuse}, {@code keep} or {@code replace}; of a named one */
    record SecretRequest(Optional<String> name, Optional<Map<String, String>> values, Optional<String> ifTaken) {}

    record SecretPatch(Optional<Map<String, String>> set, Optional<Set<String>> remove) {}

    record SecretJson(
            String id,
            Optional<String> name,
            List<String> keys,
            Instant createdAt,
            Instant updatedAt,
            Optional<Instant> expiresAt) {
        static SecretJson of(Secret secret) {
            return new SecretJson(
                    secret.id().value(),
                    secret.name(),
                    secret.keys().stream().sorted().toList(),
                    secret.createdAt(),
                    secret.updatedAt(),
                    secret.expiresAt());
        }
    }

    record ListJson(List<SecretJson> secrets) {}

    private final Secrets secrets;

    SecretRoutes(Secrets secrets) {
        this.secrets = secrets;
    }

    void addTo(Router.Builder router) {
        router.get("/v1/secrets", this::list)
                .post("/v1/secrets", this::create)
                .get("/v1/secrets/{secret}", this::get)
                .patch("/v1/secrets/{secret}", this::update)
                .delete("/v1/secrets/{secret}", this::delete);
    }

    private Response list(Request request) {
        var all = secrets.list(Authentication.caller(request));
        return Response.json(new ListJson(all.stream().map(SecretJson::of).toList()));
    }

    private Response create(Request request) throws IOException {
        SecretRequest in = Input.json(request, SecretRequest.class);
        Map<String, String> values = Input.require("values", in.values());
        Caller caller = Authentication.caller(request);
        Secrets.IfTaken ifTaken = Names.parse("ifTaken", in.ifTaken().orElse("refuse"), Secrets.IfTaken.class);
        Secret secret = in.name().isPresent()
                ? secrets.create(caller, in.name().get(), values, ifTaken)
                : secrets.createEphemeral(caller, values);
        return Response.json(SecretJson.of(secret)).withStatus(201).with("Location", "/v1/secrets/" + secret.id());
    }

    private Response get(Request request) {
        return Response.json(SecretJson.of(secret(request)));
    }

    private Response update(Request request) throws IOException {
        SecretPatch in = Input.json(request, SecretPatch.class);
        Secret changed = secrets.update(
                Authentication.caller(request), secret(request).id(), in.set().orElse(Map.of()), in.remove().orElse(Set.of()));
        return Response.json(SecretJson.of(changed));
    }

    private Response delete(Request request) {
        secrets.delete(Authentication.caller(request), secret(request).id());
        return Response.noContent();
    }

    private Secret secret(Request request) {
        return secrets.get(Authentication.caller(request), request.pathParameter("secret"));
    }
}
