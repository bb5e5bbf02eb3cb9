package dev.atoll.face.daytona;

import dev.atoll.domain.ProcessExit;
import dev.atoll.domain.ProcessStream;
import dev.atoll.face.daytona.DaytonaConfig.ExecTimeoutStyle;
import dev.atoll.http.HttpException;
import dev.atoll.http.Json;
import dev.atoll.http.Response;
import dev.atoll.http.ResponseStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.SequenceInputStream;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import tools.jackson.core.JsonGenerator;

/**
 * Answers {@code process/execute} with {@code {"exitCode", "result"}}.
 *
 * <p>Output is not bounded and not held: beyond {@link #HELD_BYTES} the answer is written while the
 * command runs, and a client that does not read holds the command. Bytes that are no UTF-8 become
 * U+FFFD. Because the status is sent before the end then, a timeout of such a command is answered
 * with exit code 124 in either {@link ExecTimeoutStyle}.
 */
final class ExecAnswer {
    /** Up to this much is collected first; most answers are shorter and keep their connection. */
    static final int HELD_BYTES = 1 << 20;

    private static final int TIMED_OUT = 124;
    private static final int WRITE_BUFFER = 64 << 10;

    private final ExecTimeoutStyle timeoutStyle;

    ExecAnswer(ExecTimeoutStyle timeoutStyle) {
        this.timeoutStyle = timeoutStyle;
    }

    private record Result(int exitCode, String result) {}

    /** Takes over the stream and closes it. */
    Response of(ProcessStream process) throws IOException {
        boolean handedOver = false;
        try {
            OutputOf output = new OutputOf(process);
            byte[] held = output.readNBytes(HELD_BYTES);
            if (held.length < HELD_BYTES) {
                return whole(held, output.exit());
            }
            handedOver = true;
            return Response.stream("application/json", out -> write(out, held, output)).closing(process);
        } finally {
            if (!handedOver) {
                process.close();
            }
        }
    }

    private Response whole(byte[] output, ProcessExit exit) {
        if (exit.timedOut() && timeoutStyle == ExecTimeoutStyle.HTTP_408) {
            throw new HttpException(
                    408, "process_execution_timeout", "request timeout: command execution timeout");
        }
        return Response.json(new Result(exitCode(exit), new String(output, StandardCharsets.UTF_8)));
    }

    private static void write(ResponseStream out, byte[] held, OutputOf rest) throws IOException {
        InputStream all = new SequenceInputStream(new ByteArrayInputStream(held), rest);
        try (Reader text = new InputStreamReader(
                        all,
                        StandardCharsets.UTF_8
                                .newDecoder()
                                .onMalformedInput(CodingErrorAction.REPLACE)
                                .onUnmappableCharacter(CodingErrorAction.REPLACE));
                JsonGenerator json =
                        Json.LENIENT.mapper().createGenerator(new BufferedOutputStream(out, WRITE_BUFFER))) {
            json.writeStartObject();
            json.writeName("result");
            json.writeString(text, -1);
            if (text.read() >= 0) {
                throw new IOException("the output is longer than one JSON text may be");
            }
            json.writeNumberProperty("exitCode", exitCode(rest.exit()));
            json.writeEndObject();
        }
    }

    private static int exitCode(ProcessExit exit) {
        return exit.timedOut() ? TIMED_OUT : exit.code();
    }
}
