package dev.atoll.face.nativeapi;

import dev.atoll.domain.ApiKey;
import dev.atoll.domain.Caller;
import dev.atoll.domain.IssuedKey;
import dev.atoll.domain.Keys;
import dev.atoll.domain.ProjectId;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import dev.atoll.http.Router;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Keys of the API. Making one is the operators' right; the domain enforces who sees which. */
final class KeyRoutes {
    record KeyJson(String id, String project, String name, Instant createdAt, Optional<Instant> revokedAt) {
        static KeyJson of(ApiKey key) {
            return new KeyJson(key.id(), key.project().value(), key.name(), key.createdAt(), key.revokedAt());
        }
    }

    /** Shown this one time. */
    record IssuedJson(KeyJson key, String secret) {
        /** Leaves the secret out, so that no log shows it. */
        @Override
        public String toString() {
            return "IssuedJson[" + key + "]";
        }
    }

    record ListJson(List<KeyJson> keys) {}

    record KeyRequest(Optional<String> project, Optional<String> name) {}

    private final Keys keys;

    KeyRoutes(Keys keys) {
        this.keys = keys;
    }

    void addTo(Router.Builder router) {
        router.get("/v1/keys", this::list).post("/v1/keys", this::create).delete("/v1/keys/{key}", this::revoke);
    }

    private Response create(Request request) throws IOException {
        Caller operator = Authentication.operator(request);
        KeyRequest in = Input.json(request, KeyRequest.class);
        String name = Input.require("name", in.name());
        ProjectId project = in.project().map(ProjectId::new).orElse(ProjectId.DEFAULT);
        IssuedKey issued = keys.create(operator, project, name);
        return Response.json(new IssuedJson(KeyJson.of(issued.key()), issued.secret()))
                .withStatus(201)
                .with("Cache-Control", "no-store");
    }

    private Response list(Request request) {
        var all = keys.list(Authentication.caller(request));
        return Response.json(new ListJson(all.stream().map(KeyJson::of).toList()));
    }

    private Response revoke(Request request) {
        keys.revoke(Authentication.caller(request), request.pathParameter("key"));
        return Response.noContent();
    }
}
