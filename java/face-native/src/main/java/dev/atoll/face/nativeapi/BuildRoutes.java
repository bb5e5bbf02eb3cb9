package dev.atoll.face.nativeapi;

import dev.atoll.domain.Build;
import dev.atoll.domain.BuildLog;
import dev.atoll.domain.BuildTemplate;
import dev.atoll.domain.Builds;
import dev.atoll.domain.Caller;
import dev.atoll.domain.ContextFile;
import dev.atoll.domain.EnvSource;
import dev.atoll.domain.TemplateId;
import dev.atoll.http.InvalidInputException;
import dev.atoll.http.Json;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import dev.atoll.http.Router;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Builds of templates from Dockerfiles. */
final class BuildRoutes {
    /** A Dockerfile and the files of its context. */
    static final int MAX_BUILD_JSON_BYTES = 64 << 20;

    private static final Duration LOG_WAIT = Duration.ofSeconds(30);

    /** @param secrets names or ids; later ones win, {@code secretEnv} over all of them */
    record BuildRequest(
            Optional<String> dockerfile,
            Optional<List<ContextFileRequest>> context,
            Optional<Map<String, String>> args,
            Optional<List<String>> secrets,
            Optional<Map<String, String>> secretEnv,
            Optional<Boolean> force,
            Optional<String> name,
            Optional<SandboxRoutes.LimitsRequest> resources) {}

    /** @param mode octal digits */
    record ContextFileRequest(Optional<String> path, Optional<String> mode, Optional<String> base64) {}

    record BuildJson(
            String id,
            String name,
            String status,
            int step,
            int steps,
            long logBytes,
            Optional<FailureJson> failure,
            Instant createdAt,
            Optional<Instant> endedAt) {
        static BuildJson of(Build build) {
            return new BuildJson(
                    build.id().value(),
                    build.name().orElse(build.id().value()),
                    Names.of(build.status()),
                    build.step(),
                    build.steps(),
                    build.logBytes(),
                    build.failure().map(FailureJson::of),
                    build.createdAt(),
                    build.endedAt());
        }
    }

    record FailureJson(String message, int line, Optional<Integer> exitCode, String output) {
        static FailureJson of(Build.Failure failure) {
            return new FailureJson(failure.message(), failure.line(), failure.exitCode(), failure.output());
        }
    }

    record ListJson(List<BuildJson> builds) {}

    private final Builds builds;
    private final SecretReferences secrets;

    BuildRoutes(Builds builds, SecretReferences secrets) {
        this.builds = builds;
        this.secrets = secrets;
    }

    void addTo(Router.Builder router) {
        router.get("/v1/builds", this::list)
                .post("/v1/builds", this::start)
                .post("/v1/builds/context", this::startWithContext)
                .get("/v1/builds/{build}", this::get)
                .get("/v1/builds/{build}/log", this::log)
                .post("/v1/builds/{build}/cancel", this::cancel);
    }

    private Response start(Request request) throws IOException {
        BuildRequest in = request.json(Json.STRICT, BuildRequest.class, MAX_BUILD_JSON_BYTES);
        Caller caller = Authentication.caller(request);
        var limits = in.resources().orElse(SandboxRoutes.LimitsRequest.NONE);
        BuildTemplate spec = BuildTemplate.of(Input.require("dockerfile", in.dockerfile()))
                .withContext(in.context().orElse(List.of()).stream().map(BuildRoutes::file).toList())
                .withArgs(in.args().orElse(Map.of()))
                .withSecrets(sources(caller, in))
                .withForce(in.force().orElse(false))
                .withName(in.name())
                .withResources(limits.cpuMillis(), limits.memoryBytes(), limits.diskBytes());
        Build build = builds.start(caller, spec);
        return Response.json(BuildJson.of(build)).withStatus(202).with("Location", "/v1/builds/" + build.id());
    }

    /** The body is the context, a tar stream; everything else is in the query. */
    private Response startWithContext(Request request) {
        Caller caller = Authentication.caller(request);
        Map<String, String> args = new LinkedHashMap<>();
        for (String arg : request.queryAll("arg")) {
            int equals = arg.indexOf('=');
            if (equals < 1) {
                throw new InvalidInputException("query.arg", arg, "<name>=<value>");
            }
            args.put(arg.substring(0, equals), arg.substring(equals + 1));
        }
        List<EnvSource> sources = secrets.of(caller, Optional.of(request.queryAll("secret")));
        boolean force = request.queryFlag("force", false);
        Build build = builds.start(
                caller, request.body(), request.query("dockerfile").orElse("Dockerfile"),
                spec -> spec.withArgs(args).withSecrets(sources).withForce(force).withName(request.query("name")));
        return Response.json(BuildJson.of(build)).withStatus(202).with("Location", "/v1/builds/" + build.id());
    }

    private List<EnvSource> sources(Caller caller, BuildRequest in) {
        var sources = new ArrayList<>(secrets.of(caller, in.secrets()));
        in.secretEnv().ifPresent(values -> sources.add(new EnvSource.Inline(values)));
        return sources;
    }

    private static ContextFile file(ContextFileRequest in) {
        String path = Input.require("context.path", in.path());
        try {
            byte[] content = Base64.getDecoder().decode(Input.require("context.base64", in.base64()));
            return ContextFile.of(path, Input.mode("context.mode", in.mode()).orElse(0644), content);
        } catch (IllegalArgumentException e) {
            throw new InvalidInputException("context.base64", path, "the file's content in base64");
        }
    }

    private Response list(Request request) {
        var all = builds.list(Authentication.caller(request));
        return Response.json(new ListJson(all.stream().map(BuildJson::of).toList()));
    }

    private Response get(Request request) {
        return Response.json(BuildJson.of(builds.get(Authentication.caller(request), id(request))));
    }

    private Response cancel(Request request) {
        return Response.json(BuildJson.of(builds.cancel(Authentication.caller(request), id(request))));
    }

    private static TemplateId id(Request request) {
        return new TemplateId(request.pathParameter("build"));
    }

    /** The log as it is written, to the end of the build; with {@code follow=false} what there is now. */
    private Response log(Request request) {
        Caller caller = Authentication.caller(request);
        TemplateId id = id(request);
        long offset = request.queryLong("offset", 0, Long.MAX_VALUE).orElse(0);
        boolean follow = request.queryFlag("follow", true);
        var unused = builds.get(caller, id);
        return Response.stream("text/plain; charset=utf-8", out -> {
            Duration wait = follow ? LOG_WAIT : Duration.ZERO;
            BuildLog piece = builds.log(caller, id, offset, wait);
            while (piece.bytes().length > 0 || follow && !piece.ended()) {
                out.write(piece.bytes(), 0, piece.bytes().length);
                out.flush();
                piece = builds.log(caller, id, piece.next(), wait);
            }
        });
    }
}
