package dev.atoll.face.nativeapi;

import dev.atoll.domain.Caller;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.Processes;
import dev.atoll.domain.SandboxId;
import dev.atoll.http.InvalidInputException;
import dev.atoll.http.Json;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import dev.atoll.http.Router;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Processes that run by themselves, and attaching to any. */
final class ProcessRoutes {
    static final int MAX_INPUT_BYTES = 1 << 20;
    private static final Duration DEFAULT_WAIT = Duration.ofSeconds(60);
    private static final Duration LONGEST_WAIT = Duration.ofHours(1);

    record ListJson(List<ProcessJson> processes) {}

    record OffsetJson(long offset) {}

    /** @param exit absent while it runs */
    record WaitJson(boolean exited, Optional<ProcessJson.ExitJson> exit) {}

    record SignalRequest(Optional<String> signal, Optional<Boolean> group) {}

    record ResizeRequest(Optional<Integer> columns, Optional<Integer> rows) {}

    record WaitRequest(Optional<Double> timeoutSeconds) {}

    private final Processes processes;
    private final References references;
    private final SecretReferences secrets;

    ProcessRoutes(Processes processes, References references, SecretReferences secrets) {
        this.processes = processes;
        this.references = references;
        this.secrets = secrets;
    }

    void addTo(Router.Builder router) {
        String one = "/v1/sandboxes/{sandbox}/processes/{process}";
        router.get("/v1/sandboxes/{sandbox}/processes", this::list)
                .post("/v1/sandboxes/{sandbox}/processes", this::start)
                .get(one, this::get)
                .get(one + "/output", this::output)
                .get(one + "/attach", this::attach)
                .post(one + "/input", this::input)
                .post(one + "/signal", this::signal)
                .post(one + "/resize", this::resize)
                .post(one + "/wait", this::await);
    }

    private Response list(Request request) {
        var found = processes.list(
                Authentication.caller(request), references.sandbox(request), request.queryFlag("includeEnded", false));
        return Response.json(new ListJson(found.stream().map(ProcessJson::of).toList()));
    }

    private Response start(Request request) throws IOException {
        ExecRequest in = request.json(Json.STRICT, ExecRequest.class, Input.MAX_EXEC_JSON_BYTES);
        ProcessSpec spec = in.spec(false, secrets.of(Authentication.caller(request), in.secrets()));
        if (in.killOnDetach().orElse(false)) {
            throw new InvalidInputException("killOnDetach", "true", "false; a detached process has no connection to lose");
        }
        Optional<byte[]> input = in.input();
        Caller caller = Authentication.caller(request);
        SandboxId sandbox = references.sandbox(request);
        var info = processes.startDetached(caller, sandbox, spec);
        if (input.isPresent()) {
            processes.input(caller, sandbox, info.id(), 0, input.get(), !in.keepsStdin());
        }
        return Response.json(ProcessJson.of(info)).withStatus(201);
    }

    private Response get(Request request) {
        return Response.json(ProcessJson.of(
                processes.get(Authentication.caller(request), references.sandbox(request), process(request))));
    }

    private Response output(Request request) {
        return ProcessOutput.answer(
                request,
                processes.attach(
                        Authentication.caller(request),
                        references.sandbox(request),
                        process(request),
                        offset(request, "stdoutOffset"),
                        offset(request, "stderrOffset"),
                        !request.queryFlag("follow", true)));
    }

    private Response attach(Request request) {
        Caller caller = Authentication.caller(request);
        SandboxId sandbox = references.sandbox(request);
        ProcessId process = process(request);
        long stdout = offset(request, "stdoutOffset");
        long stderr = offset(request, "stderrOffset");
        return ProcessSocket.answer(() -> processes.attach(caller, sandbox, process, stdout, stderr, false));
    }

    private Response input(Request request) throws IOException {
        byte[] data = request.bytes(MAX_INPUT_BYTES);
        long offset = request.queryLong("offset", -1, Long.MAX_VALUE).orElse(-1);
        return Response.json(new OffsetJson(processes.input(
                Authentication.caller(request),
                references.sandbox(request),
                process(request),
                offset,
                data,
                request.queryFlag("eof", false))));
    }

    private Response signal(Request request) throws IOException {
        SignalRequest in = Input.json(request, SignalRequest.class);
        processes.signal(
                Authentication.caller(request),
                references.sandbox(request),
                process(request),
                Signals.parse(in.signal().orElse("TERM")),
                in.group().orElse(false));
        return Response.noContent();
    }

    private Response resize(Request request) throws IOException {
        ResizeRequest in = Input.json(request, ResizeRequest.class);
        int columns = Input.limit("columns", Optional.of(Input.require("columns", in.columns())), 1, 1000);
        int rows = Input.limit("rows", Optional.of(Input.require("rows", in.rows())), 1, 1000);
        processes.resize(
                Authentication.caller(request), references.sandbox(request), process(request), columns, rows);
        return Response.noContent();
    }

    private Response await(Request request) throws IOException {
        Optional<Double> asked = Input.optionalJson(request, WaitRequest.class).timeoutSeconds();
        Duration timeout = asked.isPresent() ? Input.seconds("timeoutSeconds", asked) : DEFAULT_WAIT;
        if (timeout.compareTo(LONGEST_WAIT) > 0) {
            throw new InvalidInputException("timeoutSeconds", asked.toString(), "0 to " + LONGEST_WAIT.toSeconds());
        }
        var exit = processes.await(
                Authentication.caller(request), references.sandbox(request), process(request), timeout);
        return Response.json(new WaitJson(exit.isPresent(), exit.map(ProcessJson.ExitJson::of)));
    }

    private static ProcessId process(Request request) {
        return new ProcessId(request.pathParameter("process"));
    }

    private static long offset(Request request, String name) {
        return request.queryLong(name, 0, Long.MAX_VALUE).orElse(0);
    }
}
