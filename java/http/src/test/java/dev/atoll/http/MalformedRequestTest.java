package dev.atoll.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MalformedRequestTest {
    private static final Router ROUTER = Router.builder()
            .get("/files/{name}", request -> Response.text("[" + request.pathParameter("name") + "]"))
            .get("/files/list", _ -> Response.text("list"))
            .delete("/files/list", _ -> Response.text("gone"))
            .post("/files/{name}", _ -> Response.text("made"))
            .get("/rest/{all*}", request -> Response.text("[" + request.pathParameter("all") + "]"))
            .build();

    private static String raw(TestListener server, String text) throws IOException {
        try (Socket socket = server.socket()) {
            socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static String get(TestListener server, String target) throws IOException {
        return raw(server, "GET " + target + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    }

    @ParameterizedTest
    @CsvSource({
        "/files/a, [a]",
        "/files/list, list",
        "/files/a%20b, [a b]",
        "/files/%e2%82%ac, [€]",
        "/files/50%25, [50%]",
        "/files/a+b, [a+b]",
        "/files/%7Etilde, [~tilde]",
        "/rest/a/b%20c/d, [a/b c/d]",
    })
    void pathsAreDecodedOnce(String target, String body) throws IOException {
        try (var server = new TestListener(ROUTER)) {
            assertThat(get(server, target)).startsWith("HTTP/1.1 200").endsWith(body);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/files/a%2Fb", "/files/a%2fb", "/files/%2e%2e", "/files/..%2f..%2fetc", "/files/a%00b", "/files/a%5Cb",
                "/files/a\\b", "/files/%ff%fe", "/files/%zz", "/files/%2", "/files/a%0d%0aX:y", "/rest/x/%2e%2e/y", "/files/.%2e",
            })
    void confusingPathsAre400(String target) throws IOException {
        try (var server = new TestListener(ROUTER)) {
            assertThat(get(server, target)).startsWith("HTTP/1.1 400").contains("\"message\"");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/", "/files", "/files/", "/files/a/b", "/rest/", "/nothing"})
    void unknownPathsAre404(String target) throws IOException {
        try (var server = new TestListener(ROUTER)) {
            assertThat(get(server, target)).startsWith("HTTP/1.1 404").contains("no_such_route");
        }
    }

    @Test
    void anotherMethodIs405WithAllow() throws IOException {
        try (var server = new TestListener(ROUTER)) {
            String answer = raw(server, "PUT /files/list HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
            assertThat(answer).startsWith("HTTP/1.1 405").contains("Allow: DELETE, GET, HEAD, POST");
        }
    }

    @Test
    void aLiteralWithoutTheMethodFallsBackToTheParameter() throws IOException {
        try (var server = new TestListener(ROUTER)) {
            assertThat(raw(server, "POST /files/list HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
                    .startsWith("HTTP/1.1 200")
                    .endsWith("made");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET / HTTP/1.1\r\n\r\n",
                "GARBAGE\r\n\r\n",
                "GET /files/a HTTP/9.9\r\nHost: a\r\n\r\n",
                "GET /files/a HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
                "GET /files/a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                "POST /files/a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "GET /files/a HTTP/1.1\r\nHost: a\r\nbad header line\r\n\r\n",
            })
    void malformedRequestsAreRefusedWithTheFacesError(String text) throws IOException {
        try (var server = new TestListener(ROUTER)) {
            String answer = raw(server, text);
            assertThat(answer).matches("(?s)HTTP/1.1 (400|505) .*\"message\".*");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "a=1&b=2&a=3, '[1, 3] [2]'",
        "a=x%20y+z&b, '[x y z] []'",
        "'b=&&a', '[] []'",
    })
    void queriesAreDecoded(String query, String body) throws IOException {
        try (var server = new TestListener(request -> Response.text(request.queryAll("a") + " " + request.queryAll("b")))) {
            assertThat(get(server, "/?" + query)).startsWith("HTTP/1.1 200").endsWith(body);
        }
    }

    @Test
    void malformedQueriesAre400() throws IOException {
        try (var server = new TestListener(request -> Response.text(request.query("a").orElse("")))) {
            assertThat(get(server, "/?a=%zz")).startsWith("HTTP/1.1 400").contains("query");
            assertThat(get(server, "/?a=%4")).startsWith("HTTP/1.1 400").contains("query");
        }
    }

    @Test
    void tooLongHeadersAre431() throws IOException {
        try (var server = new TestListener(ROUTER, c -> c.withMaxHeaderBytes(2048))) {
            String answer = raw(server, "GET /files/a HTTP/1.1\r\nHost: a\r\nX: " + "y".repeat(4096) + "\r\n\r\n");
            assertThat(answer).startsWith("HTTP/1.1 431").contains("\"message\"");
        }
    }
}
