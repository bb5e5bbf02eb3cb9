package dev.atoll.face.daytona;

import dev.atoll.http.Handler;
import dev.atoll.http.HttpException;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import dev.atoll.http.Router;
import java.util.List;

/**
 * The vendor's calls that this face knows of and does not offer: each is answered with 501 and its
 * name, so that nobody takes it for a wrong address or a success.
 */
final class NotOffered implements Handler {
    private static final List<String> METHODS = List.of("GET", "POST", "PUT", "PATCH", "DELETE");

    private static final List<String> WHOLE_PARTS = List.of(
            "/api/volumes", "/api/secret", "/api/warm-pools", "/api/object-storage", "/api/organizations",
            "/api/api-keys", "/api/users", "/api/regions", "/api/runners", "/api/docker-registry", "/api/webhooks",
            "/toolbox/{sandbox}/git", "/toolbox/{sandbox}/lsp", "/toolbox/{sandbox}/computeruse",
            "/toolbox/{sandbox}/proxy", "/toolbox/{sandbox}/env", "/toolbox/{sandbox}/system",
            "/toolbox/{sandbox}/process/code-run", "/toolbox/{sandbox}/process/session",
            "/toolbox/{sandbox}/process/pty", "/toolbox/{sandbox}/process/interpreter");

    private static final List<String> POSTS = List.of(
            "backup", "recover", "resize", "pause", "ssh-access");

    @Override
    public Response handle(Request request) {
        String path = ToolboxPath.isToolbox(request.path()) ? ToolboxPath.inside(request.path()) : request.path();
        throw new HttpException(501, "not_offered", request.method() + " " + path + " is not offered by this server");
    }

    void addTo(Router.Builder router) {
        for (String part : WHOLE_PARTS) {
            for (String method : METHODS) {
                router.add(method, part, this).add(method, part + "/{rest*}", this);
            }
        }
        for (String call : POSTS) {
            router.post("/api/sandbox/{sandbox}/" + call, this);
        }
        router.delete("/api/sandbox/{sandbox}/ssh-access", this)
                .get("/api/sandbox/ssh-access/validate", this)
                .get("/api/sandbox/{sandbox}/build-logs", this)
                .get("/api/sandbox/{sandbox}/build-logs-url", this)
                .get("/api/sandbox/{sandbox}/telemetry/{rest*}", this)
                .get("/api/sandbox/{sandbox}/ports/{rest*}", this)
                .post("/api/sandbox/{sandbox}/ports/{rest*}", this)
                .post("/api/snapshots", this)
                .post("/api/snapshots/{snapshot}/activate", this)
                .post("/api/snapshots/{snapshot}/deactivate", this)
                .get("/api/snapshots/{snapshot}/build-logs", this)
                .get("/api/snapshots/{snapshot}/build-logs-url", this);
    }
}
