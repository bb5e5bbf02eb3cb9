package dev.atoll.face.nativeapi;

import dev.atoll.domain.AtollException;
import dev.atoll.domain.Caller;
import dev.atoll.domain.Execution;
import dev.atoll.domain.ProcessEvent;
import dev.atoll.domain.ProcessExit;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.ProcessStream;
import dev.atoll.domain.Processes;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.UnavailableException;
import dev.atoll.http.InvalidInputException;
import dev.atoll.http.Json;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import dev.atoll.http.Router;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Optional;

/** Runs processes: to their end in one answer, or streamed. */
final class ExecRoutes {
    /**
     * The whole of a run.
     *
     * @param stdout text; {@code stdoutBase64} instead when it is not UTF-8
     * @param truncated output beyond {@code maxOutputBytes} was thrown away
     */
    record ExecResponse(
            String processId,
            int exitCode,
            Optional<Integer> signal,
            boolean timedOut,
            boolean oomKilled,
            boolean truncated,
            Optional<String> stdout,
            Optional<String> stdoutBase64,
            Optional<String> stderr,
            Optional<String> stderrBase64) {
        static ExecResponse of(Execution execution) {
            ProcessExit exit = execution.exit();
            Text stdout = Text.of(execution.stdout());
            Text stderr = Text.of(execution.stderr());
            return new ExecResponse(
                    execution.id().value(),
                    exit.code(),
                    exit.signal() == 0 ? Optional.empty() : Optional.of(exit.signal()),
                    exit.timedOut(),
                    exit.oomKilled(),
                    execution.truncated(),
                    stdout.text(),
                    stdout.base64(),
                    stderr.text(),
                    stderr.base64());
        }
    }

    private final Processes processes;
    private final References references;
    private final SecretReferences secrets;

    ExecRoutes(Processes processes, References references, SecretReferences secrets) {
        this.processes = processes;
        this.references = references;
        this.secrets = secrets;
    }

    void addTo(Router.Builder router) {
        router.post("/v1/sandboxes/{sandbox}/exec", this::exec)
                .get("/v1/sandboxes/{sandbox}/exec", this::socket);
    }

    private Response exec(Request request) throws IOException {
        ExecRequest in = request.json(Json.STRICT, ExecRequest.class, Input.MAX_EXEC_JSON_BYTES);
        Caller caller = Authentication.caller(request);
        ProcessSpec spec = in.spec(true, secrets.of(caller, in.secrets()));
        int maxOutput = in.maxOutput();
        Optional<byte[]> input = in.input();
        if (in.keepsStdin() && !ProcessOutput.isWanted(request)) {
            throw new InvalidInputException("keepStdin", "true", "false; only streams and detached processes take later input");
        }
        SandboxId sandbox = references.sandbox(request);
        if (ProcessOutput.isWanted(request)) {
            ProcessStream stream = processes.start(caller, sandbox, spec);
            input.ifPresent(bytes -> feed(stream, bytes, !in.keepsStdin()));
            return ProcessOutput.answer(request, stream);
        }
        if (input.isEmpty() && !spec.killOnDetach()) {
            return Response.json(ExecResponse.of(processes.run(caller, sandbox, spec, maxOutput)));
        }
        try (ProcessStream stream = processes.start(caller, sandbox, spec)) {
            input.ifPresent(bytes -> feed(stream, bytes, true));
            if (spec.killOnDetach()) {
                request.onDisconnect(() -> Thread.ofVirtual().start(stream::close));
                request.watchConnection();
            }
            return Response.json(ExecResponse.of(collect(stream, maxOutput)));
        }
    }

    private Response socket(Request request) {
        Caller caller = Authentication.caller(request);
        SandboxId sandbox = references.sandbox(request);
        return ProcessSocket.answer(first -> {
            ExecRequest in = Json.STRICT.read(first, ExecRequest.class);
            Optional<byte[]> input = in.input();
            if (input.isPresent()) {
                throw new InvalidInputException("stdin", input.get().length + " bytes", "frames of channel 0, with keepStdin");
            }
            return processes.start(caller, sandbox, in.spec(true, secrets.of(caller, in.secrets())));
        });
    }

    private static Execution collect(ProcessStream stream, int maxOutput) {
        var stdout = new Collected(maxOutput);
        var stderr = new Collected(maxOutput);
        for (Optional<ProcessEvent> next = stream.next(); next.isPresent(); next = stream.next()) {
            switch (next.get()) {
                case ProcessEvent.Output(var which, byte[] bytes) ->
                    (which == ProcessEvent.Stream.STDOUT ? stdout : stderr).add(bytes);
                case ProcessEvent.Gap gap ->
                    (gap.stream() == ProcessEvent.Stream.STDOUT ? stdout : stderr).truncated = true;
                case ProcessEvent.Exited(var exit) -> {
                    return new Execution(
                            stream.id(),
                            exit,
                            stdout.bytes.toByteArray(),
                            stderr.bytes.toByteArray(),
                            stdout.truncated || stderr.truncated);
                }
            }
        }
        throw new UnavailableException("the sandbox ended while the command ran");
    }

    /** Writes on a thread of its own: a process may write output before it has read all its input. */
    private static void feed(ProcessStream stream, byte[] input, boolean close) {
        Thread.ofVirtual().name("exec-stdin").start(() -> {
            try {
                stream.write(input, 0, input.length);
                if (close) {
                    stream.closeInput();
                }
            } catch (AtollException | IllegalStateException e) {
                // The process does not read its input to the end; how it ends is told by its exit.
            }
        });
    }

    private static final class Collected {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private final int max;
        private boolean truncated;

        Collected(int max) {
            this.max = max;
        }

        void add(byte[] more) {
            int take = Math.min(more.length, max - bytes.size());
            bytes.write(more, 0, take);
            truncated |= take < more.length;
        }
    }
}
