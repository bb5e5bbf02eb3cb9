package dev.atoll.face.daytona;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.atoll.domain.Caller;
import dev.atoll.domain.Resources;
import dev.atoll.domain.Snapshot;
import dev.atoll.domain.Snapshots;
import dev.atoll.domain.Template;
import dev.atoll.domain.Templates;
import dev.atoll.http.HttpException;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import dev.atoll.http.Router;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** {@code /api/snapshots}: what the vendor calls snapshots are our templates and our snapshots. */
final class SnapshotRoutes {
    private static final int DEFAULT_LIMIT = 100;
    private static final int MAX_LIMIT = 200;

    private final Templates templates;
    private final Snapshots snapshots;
    private final SnapshotReferences references;

    SnapshotRoutes(Templates templates, Snapshots snapshots, SnapshotReferences references) {
        this.templates = templates;
        this.snapshots = snapshots;
        this.references = references;
    }

    /**
     * The vendor's SnapshotDto.
     *
     * @param size GiB
     * @param cpu of sandboxes made from it; 0, like {@code mem} and {@code disk}: the node's default
     */
    @JsonInclude(JsonInclude.Include.ALWAYS)
    private record Dto(
            String id,
            String organizationId,
            boolean general,
            String name,
            String state,
            double size,
            @Nullable List<String> entrypoint,
            int cpu,
            int gpu,
            int mem,
            double disk,
            @Nullable String errorReason,
            Instant createdAt,
            Instant updatedAt,
            @Nullable Instant lastUsedAt,
            @Nullable String sourceSandboxId) {

        static Dto of(Caller caller, Template template) {
            return new Dto(
                    VendorIds.uuid(template.id().value()), caller.project().value(), template.builtIn(),
                    template.name(), "active", gib(template.sizeBytes()),
                    template.config().entrypoint().isEmpty() ? null : template.config().entrypoint(), 0, 0, 0, 0,
                    null, template.createdAt(), template.createdAt(), null, null);
        }

        static Dto of(Snapshot snapshot) {
            return new Dto(
                    VendorIds.uuid(snapshot.id().value()), snapshot.project().value(), false, snapshot.name(),
                    "active", gib(snapshot.usedBytes()), null, 0, 0, 0, gib(snapshot.sizeBytes()), null,
                    snapshot.createdAt(), snapshot.createdAt(), null,
                    snapshot.sandbox().map(s -> VendorIds.uuid(s.value())).orElse(null));
        }

        private static double gib(long bytes) {
            return (double) bytes / Resources.GIB;
        }
    }

    private record DtoPage(List<Dto> items, int total, int page, int totalPages) {}

    void addTo(Router.Builder router) {
        router.get("/api/snapshots", this::list)
                .get("/api/snapshots/{snapshot}", this::get)
                .delete("/api/snapshots/{snapshot}", this::delete);
    }

    private Response list(Request request) {
        Caller caller = Authentication.caller(request);
        int limit = (int) request.queryLong("limit", 1, MAX_LIMIT).orElse(DEFAULT_LIMIT);
        int page = (int) request.queryLong("page", 1, Integer.MAX_VALUE / MAX_LIMIT).orElse(1);
        String name = request.query("name").orElse("").toLowerCase(Locale.ROOT);
        List<Dto> all = Stream.concat(
                        templates.list(caller).stream().map(t -> Dto.of(caller, t)),
                        snapshots.list(caller).stream().map(Dto::of))
                .filter(d -> d.name().toLowerCase(Locale.ROOT).contains(name))
                .sorted(Comparator.comparing(Dto::createdAt).reversed().thenComparing(Dto::id))
                .toList();
        List<Dto> items = all.stream().skip((long) (page - 1) * limit).limit(limit).toList();
        return Response.json(new DtoPage(items, all.size(), page, (all.size() + limit - 1) / limit));
    }

    private Response get(Request request) {
        Caller caller = Authentication.caller(request);
        String reference = request.pathParameter("snapshot");
        return Response.json(references.template(caller, reference)
                .map(t -> Dto.of(caller, t))
                .or(() -> references.snapshot(caller, reference).map(Dto::of))
                .orElseThrow(() -> notFound(reference)));
    }

    private Response delete(Request request) {
        Caller caller = Authentication.caller(request);
        String reference = request.pathParameter("snapshot");
        Optional<Template> template = references.template(caller, reference);
        if (template.isPresent()) {
            templates.delete(caller, template.get().id());
        } else {
            snapshots.delete(
                    caller, references.snapshot(caller, reference).orElseThrow(() -> notFound(reference)).id());
        }
        return Response.empty(200);
    }

    private static HttpException notFound(String reference) {
        return new HttpException(404, "not_found", "Snapshot with ID or name " + reference + " not found");
    }
}
