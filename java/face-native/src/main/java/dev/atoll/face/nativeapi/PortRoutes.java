package dev.atoll.face.nativeapi;

import dev.atoll.domain.Ports;
import dev.atoll.http.InvalidInputException;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import dev.atoll.http.Router;
import dev.atoll.http.WebSocket;
import dev.atoll.http.WebSocketConfig;
import dev.atoll.http.WebSocketMessage;
import java.io.IOException;
import java.util.List;

/** What listens inside, and byte pipes to it. */
final class PortRoutes {
    private static final int CHUNK_BYTES = 64 << 10;
    private static final WebSocketConfig TUNNEL = new WebSocketConfig(1 << 20, List.of("atoll.tunnel.v1"));

    record ListJson(List<Ports.Listener> ports) {}

    private final Ports ports;
    private final References references;

    PortRoutes(Ports ports, References references) {
        this.ports = ports;
        this.references = references;
    }

    void addTo(Router.Builder router) {
        router.get("/v1/sandboxes/{sandbox}/ports", this::list)
                .get("/v1/sandboxes/{sandbox}/ports/{port}/tunnel", this::tunnel);
    }

    private Response list(Request request) {
        return Response.json(
                new ListJson(ports.listening(Authentication.caller(request), references.sandbox(request))));
    }

    /**
     * Binary messages are bytes of the connection, both ways; the text {@code eof} half-closes, both
     * ways. The server closes with 1000 when both directions have ended.
     */
    private Response tunnel(Request request) {
        int port = port(request.pathParameter("port"));
        request.requireWebSocket();
        Ports.Pipe pipe = ports.dial(Authentication.caller(request), references.sandbox(request), port);
        return Response.webSocket(TUNNEL, socket -> {
                    Thread reader = Thread.ofVirtual().name("tunnel").start(() -> toSandbox(socket, pipe));
                    byte[] chunk = new byte[CHUNK_BYTES];
                    for (int read; (read = pipe.input().read(chunk)) >= 0; ) {
                        socket.sendBinary(chunk, 0, read);
                    }
                    socket.sendText("eof");
                    reader.join();
                    socket.close(1000, "");
                })
                .closing(pipe);
    }

    /** Until the client has ended its direction; a client that leaves or errs closes the pipe. */
    private static void toSandbox(WebSocket socket, Ports.Pipe pipe) {
        try {
            while (true) {
                switch (socket.receive()) {
                    case WebSocketMessage.Binary(byte[] bytes) -> pipe.output().write(bytes);
                    case WebSocketMessage.Text(String text) when text.equals("eof") -> {
                        pipe.closeOutput();
                        return;
                    }
                    case WebSocketMessage.Text _ -> {
                        socket.close(1008, "a text other than eof");
                        pipe.close();
                        return;
                    }
                    case WebSocketMessage.Closed _ -> {
                        pipe.close();
                        return;
                    }
                }
            }
        } catch (IOException e) {
            pipe.close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static int port(String text) {
        if (text.matches("[0-9]{1,5}")) {
            int port = Integer.parseInt(text);
            if (port >= 1 && port <= 65_535) {
                return port;
            }
        }
        throw new InvalidInputException("port", text, "1 to 65535");
    }
}
