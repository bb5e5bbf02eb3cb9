package dev.atoll.face.nativeapi;

import dev.atoll.domain.CreateSandbox;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.Page;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxChange;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SandboxQuery;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.Sandboxes;
import dev.atoll.domain.Source;
import dev.atoll.http.InvalidInputException;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import dev.atoll.http.Router;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** The life of sandboxes. */
final class SandboxRoutes {
    private static final Duration DEFAULT_GRACE = Duration.ofSeconds(5);

    /** What a create may ask for; all of it optional. */
    record CreateRequest(
            Optional<String> template,
            Optional<String> image,
            Optional<String> dockerfile,
            Optional<String> snapshot,
            Optional<Boolean> diskOnly,
            Optional<String> name,
            Optional<Map<String, String>> labels,
            Optional<String> isolation,
            Optional<LimitsRequest> resources,
            Optional<Map<String, String>> env,
            Optional<List<String>> secrets,
            Optional<String> user,
            Optional<String> workdir,
            Optional<NetworkJson> network,
            Optional<List<RuleJson>> rules,
            Optional<List<VolumeRoutes.MountJson>> volumes) {}

    record LimitsRequest(Optional<Integer> cpuMillis, Optional<Long> memoryBytes, Optional<Long> diskBytes) {
        static final LimitsRequest NONE = new LimitsRequest(Optional.empty(), Optional.empty(), Optional.empty());
    }

    record PatchRequest(
            Optional<Map<String, String>> labels,
            Optional<LimitsRequest> resources,
            Optional<NetworkJson> network,
            Optional<List<RuleJson>> rules) {}

    record StopRequest(Optional<Double> graceSeconds) {}

    record HibernateRequest(Optional<Boolean> quiesce) {}

    record ForkRequest(
            Optional<Integer> count, Optional<List<String>> names, Optional<Boolean> memory, Optional<Boolean> quiesce) {}

    record PageJson(List<SandboxJson> sandboxes, Optional<String> next, long total) {}

    record ListJson(List<SandboxJson> sandboxes) {}

    private final Sandboxes sandboxes;
    private final References references;
    private final SecretReferences secrets;
    private final String defaultTemplate;

    SandboxRoutes(Sandboxes sandboxes, References references, SecretReferences secrets, String defaultTemplate) {
        this.sandboxes = sandboxes;
        this.references = references;
        this.secrets = secrets;
        this.defaultTemplate = defaultTemplate;
    }

    void addTo(Router.Builder router) {
        router.post("/v1/sandboxes", this::create)
                .get("/v1/sandboxes", this::list)
                .get("/v1/sandboxes/{sandbox}", this::get)
                .patch("/v1/sandboxes/{sandbox}", this::patch)
                .delete("/v1/sandboxes/{sandbox}", this::delete)
                .post("/v1/sandboxes/{sandbox}/start", this::start)
                .post("/v1/sandboxes/{sandbox}/stop", this::stop)
                .post("/v1/sandboxes/{sandbox}/pause", this::pause)
                .post("/v1/sandboxes/{sandbox}/hibernate", this::hibernate)
                .post("/v1/sandboxes/{sandbox}/resume", this::resume)
                .post("/v1/sandboxes/{sandbox}/archive", this::archive)
                .post("/v1/sandboxes/{sandbox}/restore", this::restore)
                .post("/v1/sandboxes/{sandbox}/fork", this::fork);
    }

    private Response create(Request request) throws IOException {
        CreateRequest in = Input.optionalJson(request, CreateRequest.class);
        LimitsRequest limits = in.resources().orElse(LimitsRequest.NONE);
        CreateSandbox.Builder spec = CreateSandbox.from(source(in))
                .name(in.name())
                .labels(in.labels().orElse(Map.of()))
                .isolation(in.isolation().map(i -> Names.parse("isolation", i, Isolation.class)))
                .cpuMillis(limits.cpuMillis())
                .memoryBytes(limits.memoryBytes())
                .diskBytes(limits.diskBytes())
                .env(in.env().orElse(Map.of()))
                .secrets(secrets.of(Authentication.caller(request), in.secrets()))
                .user(in.user())
                .workdir(in.workdir())
                .rules(rules(in.rules().orElse(List.of())))
                .volumes(in.volumes().orElse(List.of()).stream()
                        .map(VolumeRoutes.MountJson::request)
                        .toList())
                .idempotencyKey(request.header("Idempotency-Key"));
        in.network().ifPresent(network -> spec.network(network.policy("network.")));
        Sandbox sandbox = sandboxes.create(Authentication.caller(request), spec.build());
        return Response.json(SandboxJson.of(sandbox))
                .withStatus(201)
                .with("Location", "/v1/sandboxes/" + sandbox.id());
    }

    private Source source(CreateRequest in) {
        List<Source> sources = new ArrayList<>();
        in.template().ifPresent(t -> sources.add(new Source.OfTemplate(t)));
        in.image().ifPresent(i -> sources.add(new Source.OfImage(i)));
        in.dockerfile().ifPresent(d -> sources.add(new Source.OfDockerfile(d)));
        if (in.diskOnly().isPresent() && in.snapshot().isEmpty()) {
            throw new InvalidInputException("diskOnly", in.diskOnly().get().toString(), "absent without snapshot");
        }
        in.snapshot().ifPresent(s -> sources.add(new Source.OfSnapshot(s, in.diskOnly().orElse(false))));
        if (sources.size() > 1) {
            throw new InvalidInputException(
                    "template", sources.size() + " sources", "one of template, image, dockerfile, snapshot");
        }
        return sources.isEmpty() ? new Source.OfTemplate(defaultTemplate) : sources.getFirst();
    }

    private static List<dev.atoll.domain.LifecycleRule> rules(List<RuleJson> rules) {
        return rules.stream().map(RuleJson::rule).toList();
    }

    private Response list(Request request) {
        var query = new SandboxQuery(
                labels(request.queryAll("label")),
                request.queryAll("state").stream()
                        .map(s -> Names.parse("query.state", s, SandboxState.class))
                        .collect(Collectors.toSet()),
                request.query("namePrefix"),
                Optional.empty(),
                request.queryFlag("finished", false),
                (int) request.queryLong("limit", 1, 1000).orElse(100),
                request.query("cursor"));
        Page<Sandbox> page = sandboxes.list(Authentication.caller(request), query);
        return Response.json(new PageJson(
                page.items().stream().map(SandboxJson::of).toList(), page.next(), page.total()));
    }

    private static Map<String, String> labels(List<String> pairs) {
        Map<String, String> labels = new LinkedHashMap<>();
        for (String pair : pairs) {
            int equals = pair.indexOf('=');
            if (equals < 1) {
                throw new InvalidInputException("query.label", pair, "name=value");
            }
            labels.put(pair.substring(0, equals), pair.substring(equals + 1));
        }
        return labels;
    }

    private Response get(Request request) {
        return answer(sandboxes.get(Authentication.caller(request), references.sandbox(request)));
    }

    private Response patch(Request request) throws IOException {
        PatchRequest in = Input.json(request, PatchRequest.class);
        SandboxChange change = SandboxChange.NOTHING;
        if (in.labels().isPresent()) {
            change = change.withLabels(in.labels().get());
        }
        if (in.rules().isPresent()) {
            change = change.withRules(rules(in.rules().get()));
        }
        if (in.network().isPresent()) {
            change = change.withNetwork(in.network().get().policy("network."));
        }
        if (in.resources().isPresent()) {
            LimitsRequest limits = in.resources().get();
            if (limits.diskBytes().isPresent()) {
                throw new InvalidInputException(
                        "resources.diskBytes", limits.diskBytes().get().toString(), "cpuMillis and memoryBytes; a disk keeps its size");
            }
            change = change.withLimits(limits.cpuMillis(), limits.memoryBytes());
        }
        return answer(sandboxes.update(Authentication.caller(request), references.sandbox(request), change));
    }

    private Response delete(Request request) {
        sandboxes.delete(Authentication.caller(request), references.sandbox(request));
        return Response.noContent();
    }

    private Response start(Request request) {
        return answer(sandboxes.start(Authentication.caller(request), references.sandbox(request)));
    }

    private Response stop(Request request) throws IOException {
        Optional<Double> grace = Input.optionalJson(request, StopRequest.class).graceSeconds();
        SandboxId id = references.sandbox(request);
        return answer(sandboxes.stop(
                Authentication.caller(request),
                id,
                grace.isPresent() ? Input.seconds("graceSeconds", grace) : DEFAULT_GRACE));
    }

    private Response pause(Request request) {
        return answer(sandboxes.pause(Authentication.caller(request), references.sandbox(request)));
    }

    private Response hibernate(Request request) throws IOException {
        HibernateRequest in = Input.optionalJson(request, HibernateRequest.class);
        return answer(sandboxes.hibernate(
                Authentication.caller(request), references.sandbox(request), in.quiesce().orElse(false)));
    }

    private Response resume(Request request) {
        return answer(sandboxes.resume(Authentication.caller(request), references.sandbox(request)));
    }

    private Response archive(Request request) {
        return answer(sandboxes.archive(Authentication.caller(request), references.sandbox(request)));
    }

    private Response restore(Request request) {
        return answer(sandboxes.restore(Authentication.caller(request), references.sandbox(request)));
    }

    private Response fork(Request request) throws IOException {
        ForkRequest in = Input.optionalJson(request, ForkRequest.class);
        List<Optional<String>> names = in.names().isPresent()
                ? in.names().get().stream().map(Optional::of).toList()
                : Collections.nCopies(Input.limit("count", in.count(), 1, 100), Optional.empty());
        if (in.names().isPresent() && in.count().isPresent() && in.count().get() != names.size()) {
            throw new InvalidInputException("count", in.count().get().toString(), "as many as there are names, or absent");
        }
        if (in.quiesce().isPresent() && !in.memory().orElse(false)) {
            throw new InvalidInputException("quiesce", in.quiesce().get().toString(), "absent without memory");
        }
        var caller = Authentication.caller(request);
        List<Sandbox> forks = in.memory().orElse(false)
                ? sandboxes.forkWithMemory(caller, references.sandbox(request), names, in.quiesce().orElse(false))
                : sandboxes.fork(caller, references.sandbox(request), names);
        return Response.json(new ListJson(forks.stream().map(SandboxJson::of).toList())).withStatus(201);
    }

    private static Response answer(Sandbox sandbox) {
        return Response.json(SandboxJson.of(sandbox));
    }
}
