package dev.atoll.app.cli;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.ApiException;
import dev.atoll.app.client.Query;
import dev.atoll.app.run.OperatorException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;
import java.util.OptionalInt;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Copies the output of a process to this program's own as it comes. One thread at a time. */
final class ProcessFollower {
    private static final JsonMapper JSON = new JsonMapper();

    private final ApiClient client;
    private final PrintStream out;
    private final PrintStream err;

    ProcessFollower(ApiClient client, PrintStream out, PrintStream err) {
        this.client = client;
        this.out = out;
        this.err = err;
    }

    /** @return the exit code of the command */
    int exec(String sandbox, Map<String, Object> request) {
        return follow(client.stream(Query.of("sandboxes", sandbox, "exec"), request))
                .orElseThrow(() -> new OperatorException("the connection ended before the command did"));
    }

    /** @return the exit code; empty when the stream ended and the process did not */
    OptionalInt follow(InputStream stream) {
        try (var lines = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.isBlank()) {
                    continue;
                }
                JsonNode event = JSON.readTree(line);
                switch (event.path("type").asString()) {
                    case "stdout" -> write(out, event);
                    case "stderr" -> write(err, event);
                    case "gap" -> err.println("atoll: " + (event.path("to").asLong() - event.path("from").asLong())
                            + " bytes of " + event.path("stream").asString() + " were dropped before they were read");
                    case "exit" -> {
                        return OptionalInt.of(exitCode(event));
                    }
                    case "error" -> throw ApiException.told(event.path("error"));
                    default -> {
                        // What a newer server tells besides.
                    }
                }
            }
            return OptionalInt.empty();
        } catch (IOException e) {
            throw new UncheckedIOException("the output broke off", e);
        }
    }

    static int exitCode(JsonNode exitEvent) {
        return exitEvent.path("exit").path("exitCode").asInt();
    }

    private static void write(PrintStream to, JsonNode event) {
        byte[] bytes = event.path("base64").isString()
                ? Base64.getDecoder().decode(event.path("base64").asString())
                : event.path("text").asString("").getBytes(StandardCharsets.UTF_8);
        Output.write(to, bytes);
    }
}
