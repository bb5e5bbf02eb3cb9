package dev.atoll.face.nativeapi;

import dev.atoll.domain.Snapshots;
import dev.atoll.domain.Template;
import dev.atoll.domain.Templates;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import dev.atoll.http.Router;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What sandboxes start from. */
final class TemplateRoutes {
    record TemplateJson(
            String id,
            String name,
            Optional<String> project,
            boolean builtIn,
            List<String> aliases,
            long sizeBytes,
            int layers,
            Map<String, String> env,
            String user,
            String workdir,
            List<String> entrypoint,
            List<String> command,
            Instant createdAt) {
        static TemplateJson of(Template template) {
            return new TemplateJson(
                    template.id().value(),
                    template.name(),
                    template.project().map(Object::toString),
                    template.builtIn(),
                    template.aliases(),
                    template.sizeBytes(),
                    template.layers().size(),
                    template.config().env(),
                    template.config().user(),
                    template.config().workdir(),
                    template.config().entrypoint(),
                    template.config().command(),
                    template.createdAt());
        }
    }

    record ListJson(List<TemplateJson> templates) {}

    /** @param image instead of snapshot and name: its reference is the template's name */
    record TemplateRequest(
            Optional<String> snapshot, Optional<String> name, Optional<String> image, Optional<Boolean> anew) {}

    private final Templates templates;
    private final Snapshots snapshots;

    TemplateRoutes(Templates templates, Snapshots snapshots) {
        this.templates = templates;
        this.snapshots = snapshots;
    }

    void addTo(Router.Builder router) {
        router.get("/v1/templates", this::list)
                .post("/v1/templates", this::create)
                .get("/v1/templates/{template}", this::get)
                .delete("/v1/templates/{template}", this::delete);
    }

    private Response list(Request request) {
        var all = templates.list(Authentication.caller(request));
        return Response.json(new ListJson(all.stream().map(TemplateJson::of).toList()));
    }

    private Response create(Request request) throws IOException {
        TemplateRequest in = Input.json(request, TemplateRequest.class);
        var caller = Authentication.caller(request);
        Template template = in.image().isPresent()
                ? templates.ofImage(caller, in.image().get(), in.anew().orElse(false))
                : templates.fromSnapshot(
                        caller, snapshots.get(caller, Input.require("snapshot", in.snapshot())).id(),
                        Input.require("name", in.name()));
        return Response.json(TemplateJson.of(template))
                .withStatus(201)
                .with("Location", "/v1/templates/" + template.id());
    }

    private Response get(Request request) {
        return Response.json(TemplateJson.of(
                templates.get(Authentication.caller(request), request.pathParameter("template"))));
    }

    private Response delete(Request request) {
        var caller = Authentication.caller(request);
        templates.delete(caller, templates.get(caller, request.pathParameter("template")).id());
        return Response.noContent();
    }
}
