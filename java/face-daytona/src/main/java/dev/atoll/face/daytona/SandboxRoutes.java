package dev.atoll.face.daytona;

import dev.atoll.domain.ActivityKind;
import dev.atoll.domain.Caller;
import dev.atoll.domain.ConflictException;
import dev.atoll.domain.CreateSandbox;
import dev.atoll.domain.ImageException;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxChange;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.Sandboxes;
import dev.atoll.domain.Snapshots;
import dev.atoll.domain.Source;
import dev.atoll.domain.UnsupportedException;
import dev.atoll.http.HttpException;
import dev.atoll.http.Json;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import dev.atoll.http.Router;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** {@code /api/sandbox} but for its lists. */
final class SandboxRoutes {
    static final int MAX_BODY = 1 << 20;

    /** How long a stop lets processes end by themselves. */
    private static final Duration STOP_GRACE = Duration.ofSeconds(5);

    private final Sandboxes sandboxes;
    private final Snapshots snapshots;
    private final CreateTranslation translation;
    private final SandboxReferences references;
    private final PublicUrls urls;

    SandboxRoutes(
            Sandboxes sandboxes,
            Snapshots snapshots,
            CreateTranslation translation,
            SandboxReferences references,
            PublicUrls urls) {
        this.sandboxes = sandboxes;
        this.snapshots = snapshots;
        this.translation = translation;
        this.references = references;
        this.urls = urls;
    }

    private record Labels(@Nullable Map<String, @Nullable String> labels) {}

    private record NewSnapshot(@Nullable String name, @Nullable Boolean includeMemory) {}

    private record NewFork(@Nullable String name) {}

    private record Url(String url) {}

    void addTo(Router.Builder router) {
        router.post("/api/sandbox", this::create)
                .get("/api/sandbox/{sandbox}", r -> answer(r, find(r)))
                .delete("/api/sandbox/{sandbox}", this::delete)
                .post("/api/sandbox/{sandbox}/start", r -> answer(r, sandboxes.start(caller(r), id(r))))
                .post("/api/sandbox/{sandbox}/stop", this::stop)
                .post("/api/sandbox/{sandbox}/archive", r -> answer(r, sandboxes.archive(caller(r), id(r))))
                .post("/api/sandbox/{sandbox}/snapshot", this::snapshot)
                .post("/api/sandbox/{sandbox}/fork", this::fork)
                .put("/api/sandbox/{sandbox}/labels", this::setLabels)
                .post("/api/sandbox/{sandbox}/autostop/{minutes}", r -> setInterval(r, Interval.AUTO_STOP))
                .post("/api/sandbox/{sandbox}/autoarchive/{minutes}", r -> setInterval(r, Interval.AUTO_ARCHIVE))
                .post("/api/sandbox/{sandbox}/autodelete/{minutes}", r -> setInterval(r, Interval.AUTO_DELETE))
                .post("/api/sandbox/{sandbox}/public/{public}", this::setPublic)
                .post("/api/sandbox/{sandbox}/last-activity", this::touch)
                .post("/api/sandbox/{sandbox}/network-settings", this::setNetwork)
                .get("/api/sandbox/{sandbox}/toolbox-proxy-url", this::toolboxUrl);
    }

    private Response create(Request request) throws IOException {
        Caller caller = caller(request);
        CreateRequest body = request.json(Json.LENIENT, CreateRequest.class, MAX_BODY);
        CreateSandbox spec = translation.translate(caller, body);
        try {
            return answer(request, sandboxes.create(caller, spec));
        } catch (ConflictException e) {
            throw spec.name().<RuntimeException>map(name -> nameTaken(name)).orElse(e);
        } catch (NotFoundException e) {
            String wanted = body.buildInfo() == null ? "Snapshot " + e.reference() : "Image of buildInfo";
            throw new HttpException(400, "bad_request", wanted + " not found: " + e.getMessage());
        } catch (ImageException e) {
            // What was named as a snapshot and is none was an image's name at most.
            if (body.buildInfo() == null && spec.source() instanceof Source.OfImage(String reference)) {
                throw new HttpException(400, "bad_request", "Snapshot " + reference + " not found: " + e.getMessage());
            }
            throw e;
        }
    }

    private static HttpException nameTaken(String name) {
        return new HttpException(409, "conflict", "Sandbox with name " + name + " already exists");
    }

    private Response delete(Request request) {
        Sandbox last = find(request);
        sandboxes.delete(caller(request), last.id());
        return Response.json(VendorSandbox.of(last, urls.toolbox(request)).withState("destroyed"));
    }

    private Response stop(Request request) {
        Duration grace = request.queryFlag("force", false) ? Duration.ZERO : STOP_GRACE;
        return answer(request, sandboxes.stop(caller(request), id(request), grace));
    }

    private Response snapshot(Request request) throws IOException {
        NewSnapshot body = request.json(Json.LENIENT, NewSnapshot.class, MAX_BODY);
        if (Boolean.TRUE.equals(body.includeMemory())) {
            throw new UnsupportedException("includeMemory: snapshots of containers hold the disk only");
        }
        Sandbox sandbox = find(request);
        snapshots.create(caller(request), sandbox.id(), Optional.ofNullable(body.name()), Optional.empty());
        return answer(request, sandboxes.get(caller(request), sandbox.id()));
    }

    private Response fork(Request request) throws IOException {
        NewFork body = request.json(Json.LENIENT, NewFork.class, MAX_BODY);
        List<Optional<String>> names = List.of(Optional.ofNullable(body.name()));
        try {
            return answer(request, sandboxes.fork(caller(request), id(request), names).getFirst());
        } catch (ConflictException e) {
            throw names.getFirst().<RuntimeException>map(name -> nameTaken(name)).orElse(e);
        }
    }

    private Response setLabels(Request request) throws IOException {
        Labels body = request.json(Json.LENIENT, Labels.class, MAX_BODY);
        if (body.labels() == null) {
            throw new InvalidFieldException("labels", "(absent)", "an object of texts");
        }
        SandboxChange change = SandboxChange.NOTHING.withLabels(TextMaps.of("labels", body.labels()));
        return Response.json(Map.of("labels", sandboxes.update(caller(request), id(request), change).labels()));
    }

    private Response setInterval(Request request, Interval interval) {
        int minutes = Toolbox.number("interval", request.pathParameter("minutes"), Integer.MIN_VALUE, Integer.MAX_VALUE);
        Sandbox sandbox = find(request);
        SandboxChange change = SandboxChange.NOTHING.withRules(interval.replaceIn(sandbox.rules(), minutes));
        return answer(request, sandboxes.update(caller(request), sandbox.id(), change));
    }

    private Response setPublic(Request request) {
        String text = request.pathParameter("public");
        if (!text.equals("true") && !text.equals("false")) {
            throw new InvalidFieldException("public", text, "true or false");
        }
        Sandbox sandbox = find(request);
        Attributes attributes = Attributes.of(sandbox).withPublic(text.equals("true"));
        SandboxChange change = SandboxChange.NOTHING.withAttributes(attributes.in(sandbox.attributes()));
        return answer(request, sandboxes.update(caller(request), sandbox.id(), change));
    }

    private Response setNetwork(Request request) throws IOException {
        NetworkSettings body = request.json(Json.LENIENT, NetworkSettings.class, MAX_BODY);
        SandboxChange change = SandboxChange.NOTHING.withNetwork(body.policy());
        return answer(request, sandboxes.update(caller(request), id(request), change));
    }

    private Response touch(Request request) {
        sandboxes.touch(caller(request), id(request), ActivityKind.API_CALL);
        return Response.empty(201);
    }

    private Response toolboxUrl(Request request) {
        find(request);
        return Response.json(new Url(urls.toolbox(request)));
    }

    private Response answer(Request request, Sandbox sandbox) {
        return Response.json(VendorSandbox.of(sandbox, urls.toolbox(request)));
    }

    private Sandbox find(Request request) {
        return references.get(caller(request), request.pathParameter("sandbox"));
    }

    private SandboxId id(Request request) {
        return references.id(caller(request), request.pathParameter("sandbox"));
    }

    private static Caller caller(Request request) {
        return Authentication.caller(request);
    }
}
