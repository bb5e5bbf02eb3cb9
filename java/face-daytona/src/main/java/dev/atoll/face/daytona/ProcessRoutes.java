package dev.atoll.face.daytona;

import dev.atoll.domain.Ports;
import dev.atoll.domain.Processes;
import dev.atoll.http.Json;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import dev.atoll.http.Router;
import java.io.IOException;
import java.util.List;

/** {@code /toolbox/{sandbox}/process/execute} and {@code …/port}. */
final class ProcessRoutes {
    private final Processes processes;
    private final Ports ports;
    private final Toolbox toolbox;
    private final ExecAnswer answer;

    ProcessRoutes(Processes processes, Ports ports, Toolbox toolbox, ExecAnswer answer) {
        this.processes = processes;
        this.ports = ports;
        this.toolbox = toolbox;
        this.answer = answer;
    }

    private record PortList(List<Integer> ports) {}

    private record InUse(boolean isInUse) {}

    void addTo(Router.Builder router) {
        router.post("/toolbox/{sandbox}/process/execute", this::execute)
                .get("/toolbox/{sandbox}/port", this::listening)
                .get("/toolbox/{sandbox}/port/{port}/in-use", this::inUse);
    }

    private Response execute(Request request) throws IOException {
        var spec = request.json(Json.LENIENT, ExecuteRequest.class, ExecuteRequest.MAX_BODY).spec();
        return answer.of(processes.start(toolbox.caller(request), toolbox.sandbox(request), spec));
    }

    private Response listening(Request request) {
        return Response.json(new PortList(open(request)));
    }

    private Response inUse(Request request) {
        int port = Toolbox.number("port", request.pathParameter("port"), 1, 65_535);
        return Response.json(new InUse(open(request).contains(port)));
    }

    private List<Integer> open(Request request) {
        return ports.listening(toolbox.caller(request), toolbox.sandbox(request)).stream()
                .map(Ports.Listener::port)
                .distinct()
                .sorted()
                .toList();
    }
}
