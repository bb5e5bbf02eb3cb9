package dev.atoll.face.daytona;

import dev.atoll.domain.Execution;
import dev.atoll.domain.Node;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.Processes;
import dev.atoll.domain.UnavailableException;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import dev.atoll.http.Router;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** {@code /toolbox/{sandbox}/user-home-dir}, {@code /work-dir}, {@code /version}. */
final class InfoRoutes {
    private static final int MAX_PATH = 4096;
    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    private final Processes processes;
    private final Node node;
    private final Toolbox toolbox;

    InfoRoutes(Processes processes, Node node, Toolbox toolbox) {
        this.processes = processes;
        this.node = node;
        this.toolbox = toolbox;
    }

    void addTo(Router.Builder router) {
        router.get("/toolbox/{sandbox}/user-home-dir", r -> directory(r, "printf %s \"$HOME\""))
                .get("/toolbox/{sandbox}/work-dir", r -> directory(r, "printf %s \"$PWD\""))
                .get("/toolbox/{sandbox}/project-dir", r -> directory(r, "printf %s \"$PWD\""))
                .get("/toolbox/{sandbox}/version", this::version);
    }

    /** Asked inside: home and work directory come from the sandbox's own user table. */
    private Response directory(Request request, String script) {
        ProcessSpec spec = ProcessSpec.of(List.of("/bin/sh", "-c", script)).withTimeout(TIMEOUT);
        Execution execution = processes.run(toolbox.caller(request), toolbox.sandbox(request), spec, MAX_PATH);
        if (execution.exit().code() != 0) {
            throw new UnavailableException("the shell of the sandbox exited with " + execution.exit().code());
        }
        return Response.json(Map.of("dir", new String(execution.stdout(), StandardCharsets.UTF_8)));
    }

    private Response version(Request request) {
        toolbox.sandbox(request);
        return Response.json(Map.of("version", node.capabilities().version()));
    }
}
