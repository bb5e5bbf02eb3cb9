package dev.atoll.face.nativeapi;

import static dev.atoll.face.nativeapi.EdgeServer.ID;
import static dev.atoll.face.nativeapi.EdgeServer.OPERATOR;
import static dev.atoll.face.nativeapi.EdgeServer.USER;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is refused before the domain is asked. */
@SuppressWarnings("NullAway.Init")
class RefusalTest {
    private static EdgeServer server;

    @BeforeAll
    static void start() {
        server = new EdgeServer();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "POST|/v1/sandboxes|{\"nmae\":\"x\"}|nmae|nmae|a known field, nearest 'name'",
                "POST|/v1/sandboxes|{\"name\":\"no spaces\"}|name|no spaces|1 to 128 characters",
                "POST|/v1/sandboxes|{\"template\":\"a\",\"image\":\"b\"}|template|2 sources|one of template, image",
                "POST|/v1/sandboxes|{\"isolation\":\"docker\"}|isolation|docker|container, gvisor, microvm",
                "POST|/v1/sandboxes|{\"resources\":{\"memoryBytes\":\"2g\"}}|resources.memoryBytes|2g|a whole number",
                "POST|/v1/sandboxes|{\"env\":{\"1A\":\"x\"}}|env|1A|names of",
                "POST|/v1/sandboxes|{\"env\":{\"A\":\"\\u0000\"}}|env.A|(a value with NUL)|values without NUL",
                "POST|/v1/sandboxes|{\"network\":{\"egress\":\"some\"}}|network.egress|some|all, none, only",
                "POST|/v1/sandboxes|{\"network\":{\"egress\":\"all\",\"allow\":[]}}|network.allow|[]|absent unless egress is only",
                "POST|/v1/sandboxes|{\"network\":{\"egress\":\"none\",\"deny\":[]}}|network.deny|[]|absent when egress is none",
                "POST|/v1/sandboxes|{\"network\":{\"egress\":\"only\",\"allow\":[\"10.0.0.1/8\"]}}|network.allow|10.0.0.1/8|no bit set beyond",
                "PUT|/v1/sandboxes/@/network|{\"egress\":\"only\",\"allow\":[\"1.2.3\"]}|allow|1.2.3|an IPv4 or IPv6 address",
                "PUT|/v1/sandboxes/@/network|{\"egress\":\"all\",\"deny\":[\"fe80::1%eth0\"]}|deny|fe80::1%eth0|an IPv4 or IPv6 address",
                "PUT|/v1/sandboxes/@/network|{\"egress\":\"only\",\"domains\":[\"a.*.b\"]}|domains|a.*.b|a host name like",
                "PUT|/v1/sandboxes/@/network|{\"egress\":\"only\",\"domains\":[\"https://a.b\"]}|domains|https://a.b|a host name like",
                "PUT|/v1/sandboxes/@/network|{\"allow\":[]}|egress|(absent)|a value",
                "POST|/v1/sandboxes|{\"rules\":[{\"action\":\"stop\"}]}|rules.afterSeconds|(absent)|a value",
                "POST|/v1/sandboxes|{\"rules\":[{\"afterSeconds\":0,\"action\":\"stop\"}]}|rules.after|PT0S|1 second to 10 years",
                "POST|/v1/sandboxes|{\"rules\":[{\"afterSeconds\":9,\"action\":\"explode\"}]}|rules.action|explode|stop, pause",
                "POST|/v1/sandboxes|[1]|''|a list|object",
                "POST|/v1/sandboxes|{\"name\":|''|(malformed|JSON",
                "GET|/v1/sandboxes?limit=0||query.limit|0|1 to 1000",
                "GET|/v1/sandboxes?state=runing||query.state|runing|creating, running",
                "GET|/v1/sandboxes?label=x||query.label|x|name=value",
                "PATCH|/v1/sandboxes/@|{\"resources\":{\"diskBytes\":1}}|resources.diskBytes|1|a disk keeps its size",
                "POST|/v1/sandboxes/@/stop|{\"graceSeconds\":-1}|graceSeconds|-1.0|seconds",
                "POST|/v1/sandboxes/@/fork|{\"count\":101}|count|101|1 to 100",
                "POST|/v1/sandboxes/@/exec|{}|argv|(absent)|one of argv and command",
                "POST|/v1/sandboxes/@/exec|{\"argv\":[\"a\"],\"command\":\"a\"}|argv|argv and command|one of argv and command",
                "POST|/v1/sandboxes/@/exec|{\"argv\":[]}|argv.size|0|1 to 4096",
                "POST|/v1/sandboxes/@/exec|{\"argv\":[\"a\\u0000b\"]}|argv|(an argument with NUL)|arguments without NUL",
                "POST|/v1/sandboxes/@/exec|{\"command\":\" \"}|command|' '|a command",
                "POST|/v1/sandboxes/@/exec|{\"command\":\"a\",\"timeoutSeconds\":1e12}|timeoutSeconds|1.0E12|seconds",
                "POST|/v1/sandboxes/@/exec|{\"command\":\"a\",\"maxOutputBytes\":99999999}|maxOutputBytes|99999999|1 to 16777216",
                "POST|/v1/sandboxes/@/exec|{\"command\":\"a\",\"tty\":{\"columns\":0}}|tty.columns|0|1 to 1000",
                "POST|/v1/sandboxes/@/exec|{\"command\":\"a\",\"stdinBase64\":\"%\"}|stdinBase64|%|base64",
                "POST|/v1/sandboxes/@/exec|{\"command\":\"a\",\"id\":\"a b\"}|process|a b|1 to 64 characters",
                "POST|/v1/sandboxes/@/processes|{\"command\":\"a\",\"killOnDetach\":true}|killOnDetach|true|false",
                "GET|/v1/sandboxes/@/processes/p/output?stdoutOffset=-1||query.stdoutOffset|-1|a whole number",
                "POST|/v1/sandboxes/@/processes/p/signal|{\"signal\":\"NOPE\"}|signal|NOPE|a name like TERM",
                "POST|/v1/sandboxes/@/processes/p/resize|{\"columns\":80}|rows|(absent)|a value",
                "POST|/v1/sandboxes/@/processes/p/wait|{\"timeoutSeconds\":3601}|timeoutSeconds|3601|0 to 3600",
                "GET|/v1/sandboxes/@/files||query.path|(absent)|a value",
                "GET|/v1/sandboxes/@/files?path=a%00b||query.path|a?b|without NUL",
                "GET|/v1/sandboxes/@/files/stat?path=a&followLink=maybe||query.followLink|maybe|true or false",
                "PUT|/v1/sandboxes/@/files/content?path=a&mode=99|x|query.mode|99|octal digits",
                "PUT|/v1/sandboxes/@/files/content?path=a&append=true&createNew=true|x|query.append|true|not both",
                "POST|/v1/sandboxes/@/files/chmod|{\"path\":\"a\",\"mode\":\"17777\"}|mode|17777|octal digits",
                "POST|/v1/sandboxes/@/files/chown|{\"path\":\"a\"}|owner|(absent)|owner, group or both",
                "POST|/v1/sandboxes/@/files/rename|{\"source\":\"a\"}|destination|(absent)|a value",
                "POST|/v1/sandboxes/@/files/replace|{\"files\":[],\"pattern\":\"a\",\"replacement\":\"b\"}|files|0 files|1 to 10000",
                "GET|/v1/sandboxes/@/files/archive||query.path|0 paths|1 to 1000",
                "GET|/v1/sandboxes/@/ports/0/tunnel||port|0|1 to 65535",
                "POST|/v1/sandboxes/@/snapshots|{\"keepSeconds\":-5}|keepSeconds|-5.0|seconds",
                "POST|/v1/templates|{\"name\":\"t\"}|snapshot|(absent)|a value",
            })
    void badInputNamesFieldValueAndWhatIsAllowed(
            String method, String target, String body, String field, String value, String allowed) throws Exception {
        var answer = server.send(USER, method, target.replace("@", ID), body);
        assertThat(answer.status()).as(answer.http().body()).isEqualTo(400);
        assertThat(answer.error("code")).isEqualTo("invalid");
        assertThat(answer.error("field")).isEqualTo(field);
        assertThat(answer.error("value")).contains(value);
        assertThat(answer.error("allowed")).contains(allowed);
        assertThat(answer.json().path("requestId").asString())
                .isEqualTo(answer.http().headers().firstValue("X-Request-Id").orElseThrow());
    }

    @ParameterizedTest
    @CsvSource({"''", "wrong-key"})
    void withoutAKeyEverythingIs401(String key) throws Exception {
        for (String target : new String[] {"/v1/sandboxes", "/v1/node", "/metrics", "/v1/sandboxes/" + ID + "/exec"}) {
            var answer = server.send(key, "GET", target, null);
            assertThat(answer.status()).isEqualTo(401);
            assertThat(answer.error("code")).isEqualTo("unauthorized");
            assertThat(answer.http().headers().firstValue("WWW-Authenticate")).contains("Bearer realm=\"atoll\"");
        }
    }

    @Test
    void anotherSchemeIs401() throws Exception {
        assertThat(server.send("", "GET", "/v1/sandboxes", null, "Authorization", "Basic " + USER).status()).isEqualTo(401);
    }

    @ParameterizedTest
    @CsvSource({"GET,/v1/node", "GET,/v1/node/pool", "GET,/v1/node/doctor", "POST,/v1/node/audit", "POST,/v1/node/prune", "POST,/v1/keys"})
    void operatorsCallsAre403ForOthers(String method, String target) throws Exception {
        var answer = server.send(USER, method, target, method.equals("POST") ? "{}" : null);
        assertThat(answer.status()).isEqualTo(403);
        assertThat(answer.error("code")).isEqualTo("forbidden");
    }

    @Test
    void unknownRoutesAre404AndOtherMethods405() throws Exception {
        assertThat(server.send(USER, "GET", "/v2/sandboxes", null).error("code")).isEqualTo("no_such_route");
        var answer = server.send(USER, "PUT", "/v1/sandboxes", "");
        assertThat(answer.status()).isEqualTo(405);
        assertThat(answer.http().headers().firstValue("Allow")).contains("GET, HEAD, POST");
    }

    @ParameterizedTest
    @ValueSource(strings = {"exec", "processes/p/attach", "ports/80/tunnel"})
    void webSocketPathsAre426WithoutUpgrade(String path) throws Exception {
        assertThat(server.send(USER, "GET", "/v1/sandboxes/" + ID + "/" + path, null).status()).isEqualTo(426);
    }

    @Test
    void bodiesOverTheirBoundAre413() throws Exception {
        String big = "{\"name\":\"" + "x".repeat(Input.MAX_JSON_BYTES) + "\"}";
        assertThat(server.send(USER, "POST", "/v1/sandboxes", big).status()).isEqualTo(413);
        var input = server.send(USER, "POST", "/v1/sandboxes/" + ID + "/processes/p/input", "x".repeat(ProcessRoutes.MAX_INPUT_BYTES + 1));
        assertThat(input.status()).isEqualTo(413);
    }

    @Test
    void otherMediaTypesAre415() throws Exception {
        for (String target : new String[] {"/v1/sandboxes", "/v1/sandboxes/" + ID + "/exec"}) {
            var answer = server.send(USER, "POST", target, "a=b", "Content-Type", "application/x-www-form-urlencoded");
            assertThat(answer.status()).isEqualTo(415);
            assertThat(answer.error("code")).isEqualTo("unsupported_media_type");
        }
    }

    @Test
    void whatGoesWrongInsideIsNotTold() throws Exception {
        var answer = server.send(USER, "GET", "/v1/templates", null);
        assertThat(answer.status()).isEqualTo(500);
        assertThat(answer.http().body()).doesNotContain("domain was reached");
        assertThat(answer.error("code")).isEqualTo("internal");
    }

    @Test
    void theDocumentAndTheMetricsAreServed() throws Exception {
        var document = server.send("", "GET", "/openapi.json", null);
        assertThat(document.json().path("openapi").asString()).isEqualTo("3.1.0");
        assertThat(server.send(OPERATOR, "GET", "/metrics", null).http().body()).isEqualTo("atoll_up 1\n");
    }
}
