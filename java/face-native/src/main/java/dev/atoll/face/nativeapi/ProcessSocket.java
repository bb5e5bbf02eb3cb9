package dev.atoll.face.nativeapi;

import dev.atoll.domain.AtollException;
import dev.atoll.domain.ProcessEvent;
import dev.atoll.domain.ProcessStream;
import dev.atoll.http.HttpException;
import dev.atoll.http.InvalidInputException;
import dev.atoll.http.Json;
import dev.atoll.http.Response;
import dev.atoll.http.WebSocket;
import dev.atoll.http.WebSocketConfig;
import dev.atoll.http.WebSocketMessage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/**
 * A process over a WebSocket. Binary messages carry a channel in their first byte: 0 standard input
 * (from the client), 1 standard output or the terminal, 2 standard error. Text messages are JSON: from
 * the client {@link Control}, from the server {@link ExecEvent} without outputs. After the exit event
 * the server closes with 1000, after an error event with 1011, or 1008 when the client was at fault.
 */
final class ProcessSocket {
    private static final String PROTOCOL = "atoll.process.v1";
    private static final int MAX_MESSAGE_BYTES = 20 << 20;
    private static final byte STDIN = 0;
    private static final byte STDOUT = 1;
    private static final byte STDERR = 2;

    /** {@code resize} with columns and rows, {@code signal} with signal and group, or {@code closeStdin}. */
    record Control(
            Optional<String> type,
            Optional<Integer> columns,
            Optional<Integer> rows,
            Optional<String> signal,
            Optional<Boolean> group) {}

    /** Begins once the client's first message, a text, is there. */
    interface Starter {
        ProcessStream start(byte[] first);
    }

    /** Begins without a word of the client. */
    interface Attacher {
        ProcessStream attach();
    }

    private ProcessSocket() {}

    static Response answer(Starter starter) {
        return Response.webSocket(config(), socket -> {
            if (socket.receive() instanceof WebSocketMessage.Text(String text)) {
                serve(socket, () -> starter.start(text.getBytes(StandardCharsets.UTF_8)));
            } else {
                socket.close(1008, "the first message must be a text: the process to run");
            }
        });
    }

    static Response answer(Attacher attacher) {
        return Response.webSocket(config(), socket -> serve(socket, attacher));
    }

    private static WebSocketConfig config() {
        return new WebSocketConfig(MAX_MESSAGE_BYTES, List.of(PROTOCOL));
    }

    private static void serve(WebSocket socket, Attacher attacher) throws IOException {
        try (ProcessStream stream = attacher.attach()) {
            send(socket, ExecEvent.Started.of(stream));
            Thread.ofVirtual().name("exec-socket").start(() -> takeInput(socket, stream));
            pump(socket, stream);
            socket.close(1000, "");
        } catch (AtollException | HttpException e) {
            fail(socket, e);
        }
    }

    private static void pump(WebSocket socket, ProcessStream stream) throws IOException {
        for (Optional<ProcessEvent> next = stream.next(); next.isPresent(); next = stream.next()) {
            switch (next.get()) {
                case ProcessEvent.Output(var which, byte[] bytes) -> {
                    byte[] frame = new byte[bytes.length + 1];
                    frame[0] = which == ProcessEvent.Stream.STDOUT ? STDOUT : STDERR;
                    System.arraycopy(bytes, 0, frame, 1, bytes.length);
                    socket.sendBinary(frame);
                }
                case ProcessEvent.Gap gap -> send(socket, ExecEvent.Gap.of(gap));
                case ProcessEvent.Exited(var exit) -> send(socket, ExecEvent.Exit.of(exit));
            }
        }
    }

    /** Until the client closes or breaks the rules; then the stream is closed, which ends the pump. */
    private static void takeInput(WebSocket socket, ProcessStream stream) {
        try {
            while (true) {
                switch (socket.receive()) {
                    case WebSocketMessage.Binary(byte[] bytes) -> takeBytes(stream, bytes);
                    case WebSocketMessage.Text(String text) -> control(stream, text);
                    case WebSocketMessage.Closed _ -> {
                        stream.close();
                        return;
                    }
                }
            }
        } catch (HttpException e) {
            failQuietly(socket, e);
            stream.close();
        } catch (AtollException | IllegalStateException e) {
            // The process has ended or the sandbox is gone: the pump tells it. Wait for the client's close.
            drain(socket, stream);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void drain(WebSocket socket, ProcessStream stream) {
        try {
            while (!(socket.receive() instanceof WebSocketMessage.Closed)) {
                // input for a process that takes none
            }
            stream.close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void takeBytes(ProcessStream stream, byte[] bytes) {
        if (bytes.length == 0 || bytes[0] != STDIN) {
            throw new InvalidInputException("channel", bytes.length == 0 ? "(absent)" : Byte.toString(bytes[0]), "0");
        }
        stream.write(bytes, 1, bytes.length - 1);
    }

    private static void control(ProcessStream stream, String text) {
        Control control = Json.STRICT.read(text.getBytes(StandardCharsets.UTF_8), Control.class);
        String type = Input.require("type", control.type());
        switch (type) {
            case "resize" -> stream.resize(
                    Input.limit("columns", Optional.of(Input.require("columns", control.columns())), 1, 1000),
                    Input.limit("rows", Optional.of(Input.require("rows", control.rows())), 1, 1000));
            case "signal" -> stream.signal(
                    Signals.parse(Input.require("signal", control.signal())), control.group().orElse(false));
            case "closeStdin" -> stream.closeInput();
            default -> throw new InvalidInputException("type", type, "resize, signal, closeStdin");
        }
    }

    private static void send(WebSocket socket, ExecEvent event) throws IOException {
        socket.sendText(new String(Json.STRICT.write(event), StandardCharsets.UTF_8));
    }

    private static void fail(WebSocket socket, RuntimeException error) throws IOException {
        boolean byClient = error instanceof HttpException http && http.status() < 500
                || error instanceof dev.atoll.domain.InvalidFieldException;
        send(socket, ExecEvent.Failed.of(error));
        socket.close(byClient ? 1008 : 1011, NativeErrors.describe(error).code());
    }

    private static void failQuietly(WebSocket socket, RuntimeException error) {
        try {
            fail(socket, error);
        } catch (IOException e) {
            // the client has gone, which was its right
        }
    }
}
