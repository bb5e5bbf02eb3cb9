package dev.atoll.face.nativeapi;

import dev.atoll.domain.Snapshot;
import dev.atoll.domain.Snapshots;
import dev.atoll.http.InvalidInputException;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import dev.atoll.http.Router;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Disks kept as they were, and with memory when that is asked for. */
final class SnapshotRoutes {
    record SnapshotJson(
            String id,
            String name,
            Optional<String> sandbox,
            String template,
            long sizeBytes,
            long usedBytes,
            double blockedSeconds,
            Optional<Long> memoryBytes,
            Optional<String> isolation,
            boolean archived,
            Instant createdAt,
            Optional<Instant> expiresAt) {
        static SnapshotJson of(Snapshot snapshot) {
            return new SnapshotJson(
                    snapshot.id().value(),
                    snapshot.name(),
                    snapshot.sandbox().map(Object::toString),
                    snapshot.template().value(),
                    snapshot.sizeBytes(),
                    snapshot.usedBytes(),
                    Output.seconds(snapshot.blocked()),
                    snapshot.memory().map(Snapshot.Memory::bytes),
                    snapshot.memory().map(memory -> Names.of(memory.isolation())),
                    snapshot.archived(),
                    snapshot.createdAt(),
                    snapshot.expiresAt());
        }
    }

    record ListJson(List<SnapshotJson> snapshots) {}

    record SnapshotRequest(
            Optional<String> name, Optional<Double> keepSeconds, Optional<Boolean> memory, Optional<Boolean> quiesce) {}

    private final Snapshots snapshots;
    private final References references;

    SnapshotRoutes(Snapshots snapshots, References references) {
        this.snapshots = snapshots;
        this.references = references;
    }

    void addTo(Router.Builder router) {
        router.post("/v1/sandboxes/{sandbox}/snapshots", this::create)
                .get("/v1/snapshots", this::list)
                .get("/v1/snapshots/{snapshot}", this::get)
                .post("/v1/snapshots/{snapshot}/archive", this::archive)
                .delete("/v1/snapshots/{snapshot}", this::delete);
    }

    private Response create(Request request) throws IOException {
        SnapshotRequest in = Input.optionalJson(request, SnapshotRequest.class);
        Optional<Duration> keep = in.keepSeconds().map(s -> Input.seconds("keepSeconds", Optional.of(s)));
        boolean memory = in.memory().orElse(false);
        if (in.quiesce().isPresent() && !memory) {
            throw new InvalidInputException("quiesce", in.quiesce().get().toString(), "absent without memory");
        }
        var caller = Authentication.caller(request);
        Snapshot snapshot = memory
                ? snapshots.createWithMemory(
                        caller, references.sandbox(request), in.name(), keep, in.quiesce().orElse(false))
                : snapshots.create(caller, references.sandbox(request), in.name(), keep);
        return Response.json(SnapshotJson.of(snapshot))
                .withStatus(201)
                .with("Location", "/v1/snapshots/" + snapshot.id());
    }

    private Response list(Request request) {
        var all = snapshots.list(Authentication.caller(request));
        return Response.json(new ListJson(all.stream().map(SnapshotJson::of).toList()));
    }

    private Response get(Request request) {
        return Response.json(SnapshotJson.of(
                snapshots.get(Authentication.caller(request), request.pathParameter("snapshot"))));
    }

    private Response archive(Request request) {
        var caller = Authentication.caller(request);
        var id = snapshots.get(caller, request.pathParameter("snapshot")).id();
        return Response.json(SnapshotJson.of(snapshots.archive(caller, id)));
    }

    private Response delete(Request request) {
        var caller = Authentication.caller(request);
        snapshots.delete(caller, snapshots.get(caller, request.pathParameter("snapshot")).id());
        return Response.noContent();
    }
}
