package dev.atoll.app.cli;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.ApiException;
import dev.atoll.app.client.Query;
import dev.atoll.app.run.OperatorException;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A process whose input comes from here, over a WebSocket, with a terminal if asked. Used once. */
final class ProcessTerminal {
    private static final JsonMapper JSON = new JsonMapper();
    private static final int STDIN_BYTES = 32 << 10;
    private static final byte STDIN = 0;
    private static final byte STDERR = 2;

    private final ApiClient client;
    private final String sandbox;
    private final boolean tty;
    private final boolean interactive;
    private final CompletableFuture<Integer> exit = new CompletableFuture<>();

    ProcessTerminal(ApiClient client, String sandbox, boolean tty, boolean interactive) {
        this.client = client;
        this.sandbox = sandbox;
        this.tty = tty;
        this.interactive = interactive;
    }

    /** @return the exit code of the command */
    int run(Map<String, Object> request) {
        var body = new LinkedHashMap<>(request);
        body.put("keepStdin", true);
        if (tty) {
            var wanted = new LinkedHashMap<String, Object>();
            Terminal.size().ifPresent(size -> {
                wanted.put("columns", size.columns());
                wanted.put("rows", size.rows());
            });
            wanted.put("term", Optional.ofNullable(System.getenv("TERM")).orElse("xterm-256color"));
            body.put("tty", wanted);
        }
        try (var http = HttpClient.newHttpClient();
                var raw = new RawMode(tty && interactive)) {
            WebSocket socket = connect(http);
            send(socket, body);
            if (tty) {
                Terminal.onResize(() -> Terminal.size().ifPresent(size -> send(
                        socket, Map.of("type", "resize", "columns", size.columns(), "rows", size.rows()))));
            }
            if (interactive) {
                Thread.ofPlatform().daemon().name("stdin").start(() -> pass(System.in, socket));
            } else {
                send(socket, Map.of("type", "closeStdin"));
            }
            return exit.join();
        } catch (CompletionException failed) {
            throw failed.getCause() instanceof RuntimeException reason ? reason : new OperatorException("the connection broke: " + failed.getCause());
        }
    }

    /** The terminal as it was, afterwards; nothing without one. */
    private record RawMode(Optional<Terminal> terminal) implements AutoCloseable {
        RawMode(boolean wanted) {
            this(wanted ? Terminal.raw() : Optional.empty());
        }

        @Override
        public void close() {
            terminal.ifPresent(Terminal::close);
        }
    }

    private WebSocket connect(HttpClient http) {
        String url = client.server().url().replaceFirst("^http", "ws") + Query.of("sandboxes", sandbox, "exec");
        try {
            return http.newWebSocketBuilder()
                    .header("Authorization", "Bearer " + client.server().key())
                    .subprotocols("atoll.process.v1")
                    .buildAsync(URI.create(url), new Receiver())
                    .join();
        } catch (CompletionException failed) {
            if (failed.getCause() instanceof WebSocketHandshakeException refused) {
                // Its reason cannot be read from there; that a plain request is refused for the same one can.
                client.get(Query.of("sandboxes", sandbox));
                throw new OperatorException("the server refused the connection with status " + refused.getResponse().statusCode());
            }
            throw failed;
        }
    }

    private static void send(WebSocket socket, Map<String, Object> message) {
        synchronized (socket) {
            socket.sendText(JSON.writeValueAsString(message), true).join();
        }
    }

    private static void pass(InputStream in, WebSocket socket) {
        try {
            var frame = new byte[STDIN_BYTES + 1];
            frame[0] = STDIN;
            for (int read; (read = in.read(frame, 1, STDIN_BYTES)) >= 0; ) {
                synchronized (socket) {
                    socket.sendBinary(ByteBuffer.wrap(frame, 0, read + 1), true).join();
                }
            }
            send(socket, Map.of("type", "closeStdin"));
        } catch (IOException | CompletionException ended) {
            // The process ended before its input did.
        }
    }

    /** Called by one thread at a time, a message after the other. */
    private final class Receiver implements WebSocket.Listener {
        private final StringBuilder text = new StringBuilder();
        private @Nullable PrintStream open;

        @Override
        public @Nullable CompletionStage<?> onBinary(WebSocket socket, ByteBuffer data, boolean last) {
            PrintStream to = open;
            if (to == null) {
                to = data.get() == STDERR ? System.err : System.out;
            }
            var bytes = new byte[data.remaining()];
            data.get(bytes);
            Output.write(to, bytes);
            open = last ? null : to;
            socket.request(1);
            return null;
        }

        @Override
        public @Nullable CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
            text.append(data);
            if (last) {
                JsonNode event = JSON.readTree(text.toString());
                text.setLength(0);
                switch (event.path("type").asString()) {
                    case "exit" -> exit.complete(ProcessFollower.exitCode(event));
                    case "error" -> exit.completeExceptionally(ApiException.told(event.path("error")));
                    default -> {
                        // started, gap
                    }
                }
            }
            socket.request(1);
            return null;
        }

        @Override
        public @Nullable CompletionStage<?> onClose(WebSocket socket, int status, String reason) {
            exit.completeExceptionally(new OperatorException("the server closed the connection: " + status + " " + reason));
            return null;
        }

        @Override
        public void onError(WebSocket socket, Throwable error) {
            exit.completeExceptionally(new OperatorException("the connection broke: " + error.getMessage()));
        }
    }
}
