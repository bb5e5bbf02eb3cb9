package dev.atoll.app.bench;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.Query;
import dev.atoll.app.run.OperatorException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A process in a sandbox that makes 50 MB of its disk dirty, 40 in one file and 10 in 1000, and then
 * goes on writing for a while with its eye on the clock: it sees how long the sandbox was really held.
 */
final class DirtyWriter implements AutoCloseable {
    private static final JsonMapper JSON = new JsonMapper();
    private static final String SCRIPT = """
            import os, sys, time
            os.makedirs('/root/small', exist_ok=True)
            with open('/root/large', 'wb') as f:
                f.write(os.urandom(40_000_000))
            for i in range(1000):
                with open(f'/root/small/{i}', 'wb') as f:
                    f.write(os.urandom(10_000))
            print('dirty', flush=True)
            longest = 0.0
            end = time.monotonic() + float(sys.argv[1])
            with open('/root/probe', 'wb', buffering=0) as f:
                while (before := time.monotonic()) < end:
                    f.seek(0)
                    f.write(b'x' * 4096)
                    longest = max(longest, time.monotonic() - before)
                    time.sleep(0.0005)
            print(longest * 1000, flush=True)
            """;

    private final BufferedReader events;

    private DirtyWriter(BufferedReader events) {
        this.events = events;
    }

    /** Returns when the disk is dirty. @param writesFor seconds that it goes on */
    static DirtyWriter start(ApiClient api, String sandbox, double writesFor) {
        var events = api.stream(
                Query.of("sandboxes", sandbox, "exec"),
                Map.of("argv", List.of("python3", "-c", SCRIPT, Double.toString(writesFor))));
        var writer = new DirtyWriter(new BufferedReader(new InputStreamReader(events, StandardCharsets.UTF_8)));
        writer.line();
        return writer;
    }

    /** Waits for its end. @return the longest that one write took, in milliseconds */
    double longestWrite() {
        return Double.parseDouble(line());
    }

    /** What it printed next: lines so short that none comes in parts. */
    private String line() {
        try {
            for (String event = events.readLine(); event != null; event = events.readLine()) {
                JsonNode json = JSON.readTree(event);
                if (json.path("type").asString().equals("stdout")) {
                    return json.path("text").asString().strip();
                }
                if (!json.path("type").asString().equals("started")) {
                    throw new OperatorException("the writer in the sandbox failed: " + event);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the writer in the sandbox is lost", e);
        }
        throw new OperatorException("the writer in the sandbox is lost");
    }

    @Override
    public void close() {
        try {
            events.close();
        } catch (IOException e) {
            throw new UncheckedIOException("the writer in the sandbox is lost", e);
        }
    }
}
