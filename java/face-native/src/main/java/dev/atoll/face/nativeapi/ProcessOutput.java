package dev.atoll.face.nativeapi;

import dev.atoll.domain.AtollException;
import dev.atoll.domain.ProcessEvent;
import dev.atoll.domain.ProcessStream;
import dev.atoll.http.Json;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Streams a process to a client, as server-sent events or as lines of JSON, by its Accept header. */
final class ProcessOutput {
    private interface Sink {
        void send(ExecEvent event) throws IOException;
    }

    private ProcessOutput() {}

    /** Whether the client asks for a stream rather than one answer at the end. */
    static boolean isWanted(Request request) {
        return request.accepts("text/event-stream") || request.accepts("application/x-ndjson");
    }

    /**
     * Answers with the events of this stream and closes it; closed early when the client leaves.
     * Lines of JSON unless the client accepts server-sent events.
     */
    static Response answer(Request request, ProcessStream stream) {
        request.onDisconnect(() -> Thread.ofVirtual().start(stream::close));
        Response response = request.accepts("text/event-stream")
                ? Response.events(events -> pump(
                        stream,
                        event -> events.send(
                                event.type(), new String(Json.STRICT.write(event), StandardCharsets.UTF_8))))
                : Response.lines(Json.STRICT, lines -> pump(stream, lines::send));
        return response.closing(stream);
    }

    private static void pump(ProcessStream stream, Sink sink) throws IOException {
        var stdout = new TextSplitter();
        var stderr = new TextSplitter();
        try {
            sink.send(ExecEvent.Started.of(stream));
            for (Optional<ProcessEvent> next = stream.next(); next.isPresent(); next = stream.next()) {
                switch (next.get()) {
                    case ProcessEvent.Output(var which, byte[] bytes) -> {
                        var splitter = which == ProcessEvent.Stream.STDOUT ? stdout : stderr;
                        send(sink, which, splitter.add(bytes));
                    }
                    case ProcessEvent.Gap gap -> sink.send(ExecEvent.Gap.of(gap));
                    case ProcessEvent.Exited(var exit) -> {
                        send(sink, ProcessEvent.Stream.STDOUT, stdout.end());
                        send(sink, ProcessEvent.Stream.STDERR, stderr.end());
                        sink.send(ExecEvent.Exit.of(exit));
                    }
                }
            }
            send(sink, ProcessEvent.Stream.STDOUT, stdout.end());
            send(sink, ProcessEvent.Stream.STDERR, stderr.end());
        } catch (AtollException e) {
            sink.send(ExecEvent.Failed.of(e));
        }
    }

    private static void send(Sink sink, ProcessEvent.Stream which, Optional<Text> text) throws IOException {
        if (text.isPresent()) {
            sink.send(ExecEvent.Output.of(which, text.get()));
        }
    }
}
