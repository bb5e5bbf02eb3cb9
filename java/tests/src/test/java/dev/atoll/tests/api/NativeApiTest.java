package dev.atoll.tests.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.http.Json;
import dev.atoll.tests.Tar;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** What a client of the native API sees, on one node for all tests. */
class NativeApiTest {
    private static ApiNode api;

    @BeforeAll
    static void start() {
        api = new ApiNode();
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    private static void delete(String sandbox) throws IOException, InterruptedException {
        assertThat(api.send("DELETE", sandbox, null).status()).isEqualTo(204);
    }

    private static ApiNode.Answer exec(String sandbox, String body) throws IOException, InterruptedException {
        return api.send("POST", sandbox + "/exec", body);
    }

    private static String sh(String sandbox, String command) throws IOException, InterruptedException {
        var done = exec(sandbox, new String(Json.STRICT.write(java.util.Map.of("command", command)), StandardCharsets.UTF_8));
        assertThat(done.json().path("exitCode").asInt(-1)).as(done.http().body()).isZero();
        return done.text("/stdout").strip();
    }

    @Test
    void aSandboxLivesAsItsCallerSays() throws Exception {
        String spec = """
                {"name":"api-life","labels":{"team":"a","n":"1"},"env":{"ASKED":"yes"},
                 "rules":[{"afterSeconds":900,"action":"stop"}]}""";
        var made = api.send("POST", "/v1/sandboxes", spec);
        assertThat(made.status()).as(made.http().body()).isEqualTo(201);
        assertThat(made.text("/state")).isEqualTo("running");
        assertThat(made.json().at("/rules/0/afterSeconds").asDouble()).isEqualTo(900);
        assertThat(made.http().headers().firstValue("Location")).contains("/v1/sandboxes/" + made.text("/id"));
        String byName = "/v1/sandboxes/api-life";
        assertThat(api.send("GET", byName, null).text("/id")).isEqualTo(made.text("/id"));
        assertThat(sh(byName, "echo $ASKED")).isEqualTo("yes");

        var again = api.send("POST", "/v1/sandboxes", spec);
        assertThat(again.status()).isEqualTo(409);
        assertThat(again.text("/error/code")).isEqualTo("conflict");

        var listed = api.send("GET", "/v1/sandboxes?label=team%3Da&label=n%3D1&state=running", null);
        assertThat(listed.json().at("/sandboxes").size()).isEqualTo(1);
        assertThat(listed.json().at("/total").asInt()).isEqualTo(1);
        assertThat(api.send("GET", "/v1/sandboxes?label=team%3Db", null).json().at("/sandboxes").size()).isZero();

        assertThat(api.send("PATCH", byName, "{\"labels\":{\"team\":\"b\"}}").text("/labels/team")).isEqualTo("b");
        assertThat(api.send("POST", byName + "/stop", "{\"graceSeconds\":1}").text("/state")).isEqualTo("stopped");
        var refused = exec(byName, "{\"command\":\"true\"}");
        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.text("/error/code")).isEqualTo("wrong_state");
        assertThat(refused.text("/error/state")).isEqualTo("stopped");
        assertThat(api.send("POST", byName + "/start", null).text("/state")).isEqualTo("running");
        assertThat(api.send("POST", byName + "/pause", null).text("/state")).isEqualTo("paused");
        assertThat(api.send("POST", byName + "/resume", null).text("/state")).isEqualTo("running");
        delete(byName);
        assertThat(api.send("GET", byName, null).status()).isEqualTo(404);
    }

    @Test
    void whatItMayReachIsReadAndReplaced() throws Exception {
        String sandbox = api.sandbox();
        assertThat(api.send("GET", sandbox + "/network", null).text("/egress")).isEqualTo("all");
        String lists = "{\"egress\":\"only\",\"allow\":[\"203.0.113.7\"],\"domains\":[\"A.test\"]}";
        var changed = api.send("PUT", sandbox + "/network", lists);
        assertThat(changed.status()).isEqualTo(200);
        assertThat(changed.text("/allow/0")).isEqualTo("203.0.113.7/32");
        assertThat(changed.text("/domains/0")).isEqualTo("a.test");
        assertThat(api.send("GET", sandbox, null).json().at("/network")).isEqualTo(changed.json());
        assertThat(exec(sandbox, "{\"command\":\"getent hosts b.test\"}").json().at("/exitCode").asInt()).isNotZero();
        var egress = api.send("GET", sandbox + "/egress", null);
        assertThat(egress.json().at("/network")).isEqualTo(changed.json());
        assertThat(egress.text("/denials/0/name")).isEqualTo("b.test");
        assertThat(egress.text("/denials/0/reason")).isEqualTo("name");
        assertThat(egress.json().at("/denials/0").has("port")).isFalse();
        delete(sandbox);
    }

    @Test
    void aRepeatedCreateAnswersWithTheFirstSandbox() throws Exception {
        var first = api.send(api.request("/v1/sandboxes").header("Idempotency-Key", "once").POST(ApiNode.publisher("{}")));
        var second = api.send(api.request("/v1/sandboxes").header("Idempotency-Key", "once").POST(ApiNode.publisher("{}")));
        assertThat(second.text("/id")).isEqualTo(first.text("/id"));
        delete("/v1/sandboxes/" + first.text("/id"));
    }

    @Test
    void anotherProjectsKeySeesNothing() throws Exception {
        String sandbox = api.sandbox();
        var request = HttpRequest.newBuilder(api.request(sandbox).build().uri())
                .header("Authorization", "Bearer " + api.strangersKey);
        assertThat(api.send(request).status()).isEqualTo(404);
        delete(sandbox);
    }

    @Test
    void execAnswersWithBothOutputsAndHowItEnded() throws Exception {
        String sandbox = api.sandbox();
        var failed = exec(sandbox, "{\"argv\":[\"sh\",\"-c\",\"echo out; echo err >&2; exit 3\"]}");
        assertThat(failed.status()).isEqualTo(200);
        assertThat(failed.json().at("/exitCode").asInt()).isEqualTo(3);
        assertThat(failed.text("/stdout")).isEqualTo("out\n");
        assertThat(failed.text("/stderr")).isEqualTo("err\n");

        var binary = exec(sandbox, "{\"command\":\"printf '\\\\377\\\\000'\"}");
        assertThat(Base64.getDecoder().decode(binary.text("/stdoutBase64"))).containsExactly(0xff, 0);
        assertThat(binary.json().has("stdout")).isFalse();

        var late = exec(sandbox, "{\"command\":\"echo before; sleep 60\",\"timeoutSeconds\":0.5}");
        assertThat(late.json().at("/timedOut").asBoolean()).isTrue();
        assertThat(late.text("/stdout")).isEqualTo("before\n");

        var cut = exec(sandbox, "{\"command\":\"head -c 100000 /dev/zero | tr '\\\\0' x\",\"maxOutputBytes\":1000}");
        assertThat(cut.json().at("/truncated").asBoolean()).isTrue();
        assertThat(cut.text("/stdout")).isEqualTo("x".repeat(1000));

        var missing = exec(sandbox, "{\"argv\":[\"no-such-program\"]}");
        assertThat(missing.status()).isEqualTo(400);
        assertThat(missing.text("/error/code")).isEqualTo("guest_no_such_command");
        delete(sandbox);
    }

    @Test
    void execTakesMoreInputThanItsOutputIsReadMeanwhile() throws Exception {
        String sandbox = api.sandbox();
        byte[] input = new byte[3 << 20];
        new Random(1).nextBytes(input);
        var echoed = exec(sandbox, "{\"argv\":[\"cat\"],\"stdinBase64\":\"" + Base64.getEncoder().encodeToString(input) + "\"}");
        assertThat(Base64.getDecoder().decode(echoed.text("/stdoutBase64"))).isEqualTo(input);
        var unread = exec(sandbox, "{\"argv\":[\"true\"],\"stdinBase64\":\"" + Base64.getEncoder().encodeToString(input) + "\"}");
        assertThat(unread.json().at("/exitCode").asInt(-1)).isZero();
        delete(sandbox);
    }

    @Test
    void execStreamsLinesAndServerSentEvents() throws Exception {
        String sandbox = api.sandbox();
        String body = "{\"command\":\"echo one; echo two >&2; exit 4\"}";
        var lines = api.send(api.request(sandbox + "/exec").header("Accept", "application/x-ndjson").POST(ApiNode.publisher(body)));
        List<JsonNode> events = lines.http().body().lines().map(Json.LENIENT.mapper()::readTree).toList();
        assertThat(events.getFirst().path("type").asString()).isEqualTo("started");
        assertThat(events).anySatisfy(e -> {
            assertThat(e.path("type").asString()).isEqualTo("stdout");
            assertThat(e.path("text").asString()).isEqualTo("one\n");
        });
        assertThat(events).anySatisfy(e -> assertThat(e.path("type").asString()).isEqualTo("stderr"));
        assertThat(events.getLast().at("/exit/exitCode").asInt()).isEqualTo(4);

        var sse = api.send(api.request(sandbox + "/exec").header("Accept", "text/event-stream").POST(ApiNode.publisher(body)));
        assertThat(sse.http().headers().firstValue("Content-Type")).contains("text/event-stream; charset=utf-8");
        assertThat(sse.http().body()).contains("event: exit\ndata: {\"type\":\"exit\"").contains("\"exitCode\":4");
        delete(sandbox);
    }

    @Test
    void aStreamWhoseClientLeavesDetachesAndItsProcessCanBeReadAgain() throws Exception {
        String sandbox = api.sandbox();
        for (boolean kill : new boolean[] {false, true}) {
            String id = kill ? "killed" : "kept";
            String body = "{\"id\":\"" + id + "\",\"command\":\"echo first; read line; echo $line\",\"keepStdin\":true,\"killOnDetach\":" + kill + "}";
            var answer = api.client.send(
                    api.request(sandbox + "/exec").header("Accept", "application/x-ndjson").POST(ApiNode.publisher(body)).build(),
                    HttpResponse.BodyHandlers.ofInputStream());
            try (InputStream in = answer.body()) {
                assertThat(in.read()).isEqualTo('{');
            }
            String process = sandbox + "/processes/" + id;
            if (kill) {
                var ended = api.send("POST", process + "/wait", "{\"timeoutSeconds\":20}");
                assertThat(ended.json().at("/exited").asBoolean()).isTrue();
                assertThat(ended.json().at("/exit/signal").asInt()).isEqualTo(9);
            } else {
                assertThat(api.send("POST", process + "/wait", "{\"timeoutSeconds\":0}").json().at("/exited").asBoolean()).isFalse();
                assertThat(api.send("POST", process + "/input?offset=0", "second\n").json().at("/offset").asInt()).isEqualTo(7);
                var output = api.send("GET", process + "/output", null);
                assertThat(output.http().body()).contains("first").contains("second").contains("\"exitCode\":0");
                assertThat(api.send("GET", process + "/output?stdoutOffset=6&follow=false", null).http().body())
                        .contains("second")
                        .doesNotContain("first");
            }
        }
        delete(sandbox);
    }

    @Test
    void aRunWhoseClientLeavesIsKilledWhenAskedFor() throws Exception {
        String sandbox = api.sandbox();
        var answer = api.client.sendAsync(
                api.request(sandbox + "/exec")
                        .POST(ApiNode.publisher("{\"id\":\"run\",\"command\":\"sleep 600\",\"killOnDetach\":true}"))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        await().until(() -> api.send("GET", sandbox + "/processes/run", null).status() == 200);
        answer.cancel(true);
        var ended = api.send("POST", sandbox + "/processes/run/wait", "{\"timeoutSeconds\":20}");
        assertThat(ended.json().at("/exit/signal").asInt()).isEqualTo(9);
        delete(sandbox);
    }

    @Test
    void processesRunByThemselves() throws Exception {
        String sandbox = api.sandbox();
        var started = api.send("POST", sandbox + "/processes", "{\"id\":\"bg\",\"argv\":[\"sleep\",\"600\"]}");
        assertThat(started.status()).as(started.http().body()).isEqualTo(201);
        assertThat(api.send("GET", sandbox + "/processes", null).json().at("/processes/0/id").asString()).isEqualTo("bg");
        assertThat(api.send("POST", sandbox + "/processes/bg/signal", "{\"signal\":\"SIGTERM\"}").status()).isEqualTo(204);
        var ended = api.send("POST", sandbox + "/processes/bg/wait", null);
        assertThat(ended.json().at("/exit/signal").asInt()).isEqualTo(15);
        assertThat(ended.json().at("/exit/exitCode").asInt()).isEqualTo(143);
        assertThat(api.send("GET", sandbox + "/processes?includeEnded=true", null).json().at("/processes").size()).isEqualTo(1);
        assertThat(api.send("GET", sandbox + "/processes/other", null).status()).isEqualTo(404);
        delete(sandbox);
    }

    @Test
    void aTerminalOverAWebSocket() throws Exception {
        String sandbox = api.sandbox();
        var events = new SocketClient();
        var socket = api.socket(sandbox + "/exec", events);
        socket.sendText("{\"argv\":[\"sh\"],\"tty\":{\"columns\":91,\"rows\":17}}", true).join();
        socket.sendBinary(bytes(0, "stty size; echo $((6*7))\n"), true).join();
        await().until(() -> events.output(1).contains("17 91") && events.output(1).contains("42"));
        socket.sendText("{\"type\":\"resize\",\"columns\":100,\"rows\":30}", true).join();
        socket.sendBinary(bytes(0, "stty size; exit 5\n"), true).join();
        await().until(() -> events.closeCode() == 1000);
        assertThat(events.output(1)).contains("30 100");
        assertThat(events.events().getFirst().path("type").asString()).isEqualTo("started");
        assertThat(events.events().getLast().at("/exit/exitCode").asInt()).isEqualTo(5);
        delete(sandbox);
    }

    @Test
    void inputAndItsEndOverAWebSocketAndAttachingTwice() throws Exception {
        String sandbox = api.sandbox();
        var events = new SocketClient();
        var socket = api.socket(sandbox + "/exec", events);
        socket.sendText("{\"id\":\"cat\",\"argv\":[\"cat\"],\"keepStdin\":true}", true).join();
        socket.sendBinary(bytes(0, "to be "), true).join();
        await().until(() -> events.output(1).equals("to be "));
        var second = new SocketClient();
        api.socket(sandbox + "/processes/cat/attach?stdoutOffset=3", second);
        await().until(() -> second.output(1).equals("be "));
        socket.sendBinary(bytes(0, "continued"), true).join();
        socket.sendText("{\"type\":\"closeStdin\"}", true).join();
        await().until(() -> events.closeCode() == 1000 && second.closeCode() == 1000);
        assertThat(events.output(1)).isEqualTo("to be continued");
        assertThat(second.output(1)).isEqualTo("be continued");
        delete(sandbox);
    }

    @Test
    void aWebSocketIsToldWhatWasWrong() throws Exception {
        String sandbox = api.sandbox();
        var malformed = new SocketClient();
        api.socket(sandbox + "/exec", malformed).sendText("{\"argvv\":[]}", true).join();
        await().until(() -> malformed.closeCode() == 1008);
        assertThat(malformed.events().getFirst().at("/error/allowed").asString()).contains("nearest 'argv'");
        var channel = new SocketClient();
        var socket = api.socket(sandbox + "/exec", channel);
        socket.sendText("{\"argv\":[\"cat\"],\"keepStdin\":true}", true).join();
        socket.sendBinary(bytes(7, "x"), true).join();
        await().until(() -> channel.closeCode() == 1008);
        delete(sandbox);
    }

    @Test
    void filesGoInAndOut() throws Exception {
        String sandbox = api.sandbox();
        byte[] content = new byte[5 << 20];
        new Random(2).nextBytes(content);
        var written = api.send(api.request(sandbox + "/files/content?path=/root/a/b%20c.bin&mode=0640")
                .PUT(HttpRequest.BodyPublishers.ofByteArray(content)));
        assertThat(written.status()).as(written.http().body()).isEqualTo(200);
        assertThat(written.text("/mode")).isEqualTo("0640");
        assertThat(written.json().at("/size").asLong()).isEqualTo(content.length);
        var read = api.client.send(
                api.request(sandbox + "/files/content?path=/root/a/b%20c.bin").build(),
                HttpResponse.BodyHandlers.ofByteArray());
        assertThat(read.body()).isEqualTo(content);
        assertThat(read.headers().firstValueAsLong("Content-Length")).hasValue(content.length);
        var part = api.client.send(
                api.request(sandbox + "/files/content?path=/root/a/b%20c.bin&offset=10&length=5").build(),
                HttpResponse.BodyHandlers.ofByteArray());
        assertThat(part.body()).isEqualTo(java.util.Arrays.copyOfRange(content, 10, 15));
        assertThat(api.send("GET", sandbox + "/files/content?path=/proc/meminfo", null).http().body()).contains("MemTotal:");

        String files = sandbox + "/files";
        assertThat(api.send("POST", files + "/mkdir", "{\"path\":\"/root/d/e\",\"parents\":true}").status()).isEqualTo(204);
        assertThat(api.send("POST", files + "/copy", "{\"source\":\"/root/a\",\"destination\":\"/root/d/a\",\"recursive\":true}").status()).isEqualTo(204);
        assertThat(api.send("POST", files + "/rename", "{\"source\":\"/root/d/a\",\"destination\":\"/root/d/z\"}").status()).isEqualTo(204);
        assertThat(api.send("POST", files + "/chmod", "{\"path\":\"/root/d/z/b c.bin\",\"mode\":\"0600\"}").status()).isEqualTo(204);
        assertThat(api.send("POST", files + "/chown", "{\"path\":\"/root/d/z/b c.bin\",\"owner\":\"1000\"}").status()).isEqualTo(204);
        var stat = api.send("GET", files + "/stat?path=/root/d/z/b%20c.bin", null);
        assertThat(stat.text("/mode")).isEqualTo("0600");
        assertThat(stat.json().at("/uid").asInt()).isEqualTo(1000);
        assertThat(api.send("GET", files + "?path=/root/d&depth=2", null).json().at("/files").size()).isEqualTo(3);
        assertThat(api.send("GET", files + "?path=/root/none", null).status()).isEqualTo(404);

        sh(sandbox, "printf 'alpha\\nbeta\\n' > /root/t.txt");
        assertThat(api.send("POST", files + "/search", "{\"path\":\"/root\",\"pattern\":\"beta\"}").json().at("/matches/0/line").asInt()).isEqualTo(2);
        assertThat(api.send("POST", files + "/glob", "{\"path\":\"/root\",\"pattern\":\"*.txt\"}").json().at("/files").size()).isEqualTo(1);
        assertThat(api.send("POST", files + "/replace", "{\"files\":[\"/root/t.txt\"],\"pattern\":\"beta\",\"replacement\":\"gamma\"}")
                        .json().at("/results/0/count").asInt())
                .isEqualTo(1);
        assertThat(sh(sandbox, "cat /root/t.txt")).isEqualTo("alpha\ngamma");
        assertThat(api.send("DELETE", files + "?path=/root/d", null).status()).isIn(400, 409);
        assertThat(api.send("DELETE", files + "?path=/root/d&recursive=true", null).status()).isEqualTo(204);
        delete(sandbox);
    }

    @Test
    void treesTravelAsTar() throws Exception {
        String from = api.sandbox();
        String to = api.sandbox();
        sh(from, "mkdir -p /root/t/sub && echo deep > /root/t/sub/f && ln -s sub/f /root/t/l");
        for (boolean gzip : new boolean[] {false, true}) {
            var tar = api.client.send(
                    api.request(from + "/files/archive?base=/root&path=t&gzip=" + gzip).build(),
                    HttpResponse.BodyHandlers.ofByteArray());
            assertThat(tar.statusCode()).isEqualTo(200);
            var unpacked = api.send(api.request(to + "/files/archive?path=/root/x" + gzip + "&gzip=" + gzip)
                    .PUT(HttpRequest.BodyPublishers.ofByteArray(tar.body())));
            assertThat(unpacked.status()).as(unpacked.http().body()).isEqualTo(200);
            assertThat(sh(to, "cat /root/x" + gzip + "/t/l")).isEqualTo("deep");
        }
        delete(from);
        delete(to);
    }

    @Test
    void changesAreWatchedUntilTheClientLeaves() throws Exception {
        String sandbox = api.sandbox();
        var answer = api.client.send(
                api.request(sandbox + "/files/watch?path=/root").build(), HttpResponse.BodyHandlers.ofLines());
        sh(sandbox, "echo x > /root/seen");
        try (var lines = answer.body()) {
            assertThat(lines.filter(l -> l.startsWith("data:") && l.contains("seen")).findFirst()).isPresent();
        }
        delete(sandbox);
    }

    @Test
    void aTunnelReachesAPort() throws Exception {
        String sandbox = api.sandbox();
        api.send("POST", sandbox + "/processes", "{\"argv\":[\"python3\",\"-m\",\"http.server\",\"8123\",\"--bind\",\"127.0.0.1\"]}");
        await().until(() -> api.send("GET", sandbox + "/ports", null).http().body().contains("8123"));
        var events = new SocketClient();
        var socket = api.socket(sandbox + "/ports/8123/tunnel", events);
        socket.sendBinary(ByteBuffer.wrap("GET / HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII)), true).join();
        await().until(() -> events.bytes().contains("</html>"));
        socket.sendText("eof", true).join();
        await().until(() -> events.closeCode() == 1000);
        assertThat(events.texts).contains("eof");
        delete(sandbox);
    }

    @Test
    void aSnapshotWithMemoryIsToldByItsSizeAndRefusedOfAContainer() throws Exception {
        api.send("POST", "/v1/sandboxes", "{\"name\":\"api-container\",\"isolation\":\"container\"}");
        var refused = api.send("POST", "/v1/sandboxes/api-container/snapshots", "{\"memory\":true}");
        assertThat(refused.status()).isEqualTo(422);
        assertThat(refused.text("/error/code")).isEqualTo("unsupported");
        assertThat(refused.text("/error/message")).contains("CONTAINER");
        assertThat(api.send("POST", "/v1/sandboxes/api-container/snapshots", "{\"quiesce\":true}").text("/error/field"))
                .isEqualTo("quiesce");
        delete("/v1/sandboxes/api-container");

        api.send("POST", "/v1/sandboxes", "{\"name\":\"api-sentry\",\"isolation\":\"gvisor\"}");
        var kept = api.send(
                "POST", "/v1/sandboxes/api-sentry/snapshots", "{\"name\":\"api-warm\",\"memory\":true,\"quiesce\":true}");
        assertThat(kept.status()).as(kept.http().body()).isEqualTo(201);
        assertThat(kept.json().at("/memoryBytes").asLong()).isPositive();
        assertThat(kept.text("/isolation")).isEqualTo("gvisor");
        var child = api.send("POST", "/v1/sandboxes", "{\"name\":\"api-gone-on\",\"snapshot\":\"api-warm\"}");
        assertThat(child.text("/isolation")).as(child.http().body()).isEqualTo("gvisor");
        assertThat(sh("/v1/sandboxes/api-gone-on", "hostname")).isEqualTo("api-gone-on");
        var anew = api.send(
                "POST", "/v1/sandboxes", "{\"name\":\"api-anew\",\"snapshot\":\"api-warm\",\"diskOnly\":true}");
        assertThat(anew.text("/isolation")).as(anew.http().body()).isEqualTo("container");
        for (String sandbox : List.of("api-sentry", "api-gone-on", "api-anew")) {
            delete("/v1/sandboxes/" + sandbox);
        }
        delete("/v1/snapshots/api-warm");
    }

    @Test
    void snapshotsForksAndTemplates() throws Exception {
        String sandbox = api.sandbox();
        sh(sandbox, "echo kept > /root/k");
        var snapshot = api.send("POST", sandbox + "/snapshots", "{\"name\":\"api-snap\",\"keepSeconds\":3600}");
        assertThat(snapshot.status()).as(snapshot.http().body()).isEqualTo(201);
        assertThat(snapshot.json().has("expiresAt")).isTrue();
        var forks = api.send("POST", sandbox + "/fork", "{\"count\":2}");
        assertThat(forks.status()).as(forks.http().body()).isEqualTo(201);
        assertThat(forks.json().at("/sandboxes").size()).isEqualTo(2);
        for (JsonNode fork : forks.json().at("/sandboxes")) {
            String path = "/v1/sandboxes/" + fork.path("id").asString();
            assertThat(sh(path, "cat /root/k")).isEqualTo("kept");
            delete(path);
        }
        var made = api.send("POST", "/v1/sandboxes", "{\"snapshot\":\"api-snap\"}");
        assertThat(sh("/v1/sandboxes/" + made.text("/id"), "cat /root/k")).isEqualTo("kept");
        delete("/v1/sandboxes/" + made.text("/id"));
        var template = api.send("POST", "/v1/templates", "{\"snapshot\":\"api-snap\",\"name\":\"api-template\"}");
        assertThat(template.status()).as(template.http().body()).isEqualTo(201);
        var fromTemplate = api.send("POST", "/v1/sandboxes", "{\"template\":\"api-template\"}");
        assertThat(sh("/v1/sandboxes/" + fromTemplate.text("/id"), "cat /root/k")).isEqualTo("kept");
        assertThat(api.send("DELETE", "/v1/templates/api-template", null).status()).isEqualTo(409);
        delete("/v1/sandboxes/" + fromTemplate.text("/id"));
        assertThat(api.send("DELETE", "/v1/snapshots/api-snap", null).status()).isEqualTo(204);
        assertThat(api.send("GET", "/v1/snapshots/api-snap", null).status()).isEqualTo(404);
        delete(sandbox);
    }

    @Test
    void theNodeTellsWhatItCanDoAndWhatWasUsed() throws Exception {
        String sandbox = api.sandbox();
        assertThat(api.send("GET", "/v1/capabilities", null).json().at("/isolations/0/isolation").asString()).isEqualTo("container");
        assertThat(api.send("GET", "/v1/health", null).json().at("/healthy").asBoolean()).isTrue();
        assertThat(api.send("GET", "/v1/usage?sandbox=" + sandbox.substring(sandbox.lastIndexOf('/') + 1), null).json().at("/usage").size())
                .isEqualTo(1);
        assertThat(api.send("GET", "/v1/templates/base", null).json().at("/builtIn").asBoolean()).isTrue();
        delete(sandbox);
    }

    private static ByteBuffer bytes(int channel, String text) {
        byte[] payload = text.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(payload.length + 1).put((byte) channel).put(payload).flip();
    }

    private static org.awaitility.core.ConditionFactory await() {
        return Awaitility.await().atMost(Duration.ofSeconds(30)).pollInterval(Duration.ofMillis(20));
    }

    @Test
    void aTemplateIsBuiltItsLogStreamedAndItsFailureTold() throws Exception {
        var secret = api.send("POST", "/v1/secrets", "{\"name\":\"build-token\",\"values\":{\"TOKEN\":\"hidden-value\"}}");
        assertThat(secret.status()).as(secret.http().body()).isEqualTo(201);
        assertThat(secret.http().body()).doesNotContain("hidden-value");
        var started = api.send("POST", "/v1/builds", """
                {"dockerfile":"FROM base\\nARG A\\nCOPY f.sh /bin/f\\nRUN echo $A $TOKEN; f > /made\\n",
                 "context":[{"path":"f.sh","mode":"0755","base64":"IyEvYmluL3NoCmVjaG8gcmFuCg=="}],
                 "args":{"A":"argument"},"secrets":["build-token"],"name":"api-built"}""");
        assertThat(started.status()).as(started.http().body()).isEqualTo(202);
        String build = "/v1/builds/" + started.text("/id");
        String log = api.send("GET", build + "/log", null).http().body();
        assertThat(log).contains("Step 4/4 : RUN echo", "argument ***\n").endsWith("Template api-built is ready.\n");
        assertThat(api.send("GET", build + "/log?follow=false&offset=5", null).http().body()).isEqualTo(log.substring(5));
        assertThat(api.send("GET", build, null).text("/status")).isEqualTo("succeeded");
        var sandbox = api.send("POST", "/v1/sandboxes", "{\"template\":\"api-built\"}");
        String path = "/v1/sandboxes/" + sandbox.text("/id");
        assertThat(sh(path, "cat /made")).isEqualTo("ran");
        delete(path);
        assertThat(api.send("DELETE", "/v1/templates/api-built", null).status()).isEqualTo(204);

        var failing = api.send("POST", "/v1/builds", "{\"dockerfile\":\"FROM base\\nRUN echo why; exit 3\"}");
        String failed = "/v1/builds/" + failing.text("/id");
        assertThat(api.send("GET", failed + "/log", null).http().body()).contains("why\n", "exit code 3");
        var told = api.send("GET", failed, null);
        assertThat(told.text("/status")).isEqualTo("failed");
        assertThat(told.json().at("/failure/line").asInt()).isEqualTo(2);
        assertThat(told.json().at("/failure/exitCode").asInt()).isEqualTo(3);
        assertThat(told.text("/failure/output")).isEqualTo("why\n");

        var refused = api.send("POST", "/v1/builds", "{\"dockerfile\":\"FROM base\\nONBUILD RUN x\"}");
        assertThat(refused.status()).isEqualTo(422);
        assertThat(refused.text("/error/message")).contains("line 2");
    }

    @Test
    void aTemplateIsBuiltFromAContextThatHoldsItsDockerfile() throws Exception {
        byte[] context = Tar.of()
                .file("sub/Dockerfile", "FROM base\nARG A\nCOPY . /ctx\nRUN echo $A > /arg\n")
                .file(".dockerignore", "*.log\n")
                .file("kept.txt", "kept")
                .file("left.log", "left out")
                .symlink("link", "kept.txt")
                .bytes();
        var started = api.send(api.request("/v1/builds/context?dockerfile=sub/Dockerfile&arg=A%3Db&name=of-context")
                .header("Content-Type", "application/x-tar")
                .POST(HttpRequest.BodyPublishers.ofByteArray(context)));
        assertThat(started.status()).as(started.http().body()).isEqualTo(202);
        String build = "/v1/builds/" + started.text("/id");
        String log = api.send("GET", build + "/log", null).http().body();
        assertThat(api.send("GET", build, null).text("/status")).as(log).isEqualTo("succeeded");
        var sandbox = api.send("POST", "/v1/sandboxes", "{\"template\":\"of-context\"}");
        String path = "/v1/sandboxes/" + sandbox.text("/id");
        assertThat(sh(path, "cat /ctx/link /arg; ls -a /ctx | tr '\\n' ' '")).isEqualTo("keptb\n. .. .dockerignore kept.txt link sub");
        delete(path);
        var missing = api.send(api.request("/v1/builds/context")
                .header("Content-Type", "application/x-tar")
                .POST(HttpRequest.BodyPublishers.ofByteArray(context)));
        assertThat(missing.status()).isEqualTo(404);
        var noTar = api.send(api.request("/v1/builds/context")
                .header("Content-Type", "application/x-tar")
                .POST(HttpRequest.BodyPublishers.ofString("no tar stream".repeat(100))));
        assertThat(noTar.status()).as(noTar.http().body()).isEqualTo(400);
    }

    @Test
    void secretsAreKeptAndNeverShown() throws Exception {
        var made = api.send("POST", "/v1/secrets", "{\"name\":\"db\",\"values\":{\"B\":\"sesame-1\",\"A\":\"x\"}}");
        assertThat(made.json().at("/keys").toString()).isEqualTo("[\"A\",\"B\"]");
        assertThat(api.send("POST", "/v1/secrets", "{\"name\":\"db\",\"values\":{}}").status()).isEqualTo(409);
        assertThat(api.send("POST", "/v1/secrets", "{\"name\":\"db\",\"values\":{},\"ifTaken\":\"keep\"}").text("/id"))
                .isEqualTo(made.text("/id"));
        var changed = api.send("PATCH", "/v1/secrets/db", "{\"set\":{\"C\":\"sesame-2\"},\"remove\":[\"A\"]}");
        assertThat(changed.json().at("/keys").toString()).isEqualTo("[\"B\",\"C\"]");
        var sandbox = api.send("POST", "/v1/sandboxes", "{\"secrets\":[\"db\"]}");
        assertThat(sandbox.http().body()).doesNotContain("sesame");
        String path = "/v1/sandboxes/" + sandbox.text("/id");
        assertThat(sh(path, "echo $B $C")).isEqualTo("sesame-1 sesame-2");
        var own = api.send("POST", "/v1/secrets", "{\"values\":{\"ONCE\":\"sesame-3\"}}");
        assertThat(exec(path, "{\"command\":\"echo $ONCE\",\"secrets\":[\"" + own.text("/id") + "\"]}").text("/stdout"))
                .isEqualTo("sesame-3\n");
        delete(path);
        assertThat(api.send("GET", "/v1/secrets", null).http().body()).contains("\"db\"").doesNotContain("sesame");
        assertThat(api.send("DELETE", "/v1/secrets/db", null).status()).isEqualTo(204);
        assertThat(api.send("GET", "/v1/secrets/db", null).status()).isEqualTo(404);
    }
}
