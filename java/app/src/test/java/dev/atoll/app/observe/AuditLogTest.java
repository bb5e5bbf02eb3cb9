package dev.atoll.app.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.Caller;
import dev.atoll.domain.ForbiddenException;
import dev.atoll.domain.Keys;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.ProjectId;
import dev.atoll.http.HttpListener;
import dev.atoll.http.ListenerConfig;
import dev.atoll.http.Response;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Who did what, from where, and how it ended. */
class AuditLogTest {
    private static final Caller STRANGER = new Caller(ProjectId.DEFAULT, "key-0", false);
    private static final Clock CLOCK = Clock.fixed(Instant.parse("2026-11-24T12:00:00Z"), ZoneOffset.UTC);

    @TempDir
    private Path directory = Path.of("");

    private Path file() {
        return directory.resolve("audit.jsonl");
    }

    private List<JsonNode> events() throws IOException {
        var json = new JsonMapper();
        return Files.readAllLines(file()).stream().map(json::readTree).toList();
    }

    private AuditLog log(Keys keys) throws IOException {
        return new AuditLog(RotatingFile.open(file(), 1 << 20, 2), CLOCK, new KeyNames(keys));
    }

    private static Keys observed(AuditLog log, Keys keys) {
        return Observed.by(log, Keys.class, keys);
    }

    @Test
    void aChangeIsTheKeysWithItsTargetAndOutcomeAndWithoutItsSecret() throws IOException {
        var keys = new KeysInMemory();
        try (var log = log(keys)) {
            Keys seen = observed(log, keys);
            var unused = seen.create(KeysInMemory.OPERATOR, ProjectId.DEFAULT, "laptop");
            assertThatThrownBy(() -> seen.create(STRANGER, ProjectId.DEFAULT, "more")).isInstanceOf(ForbiddenException.class);
            assertThatThrownBy(() -> seen.revoke(KeysInMemory.OPERATOR, "key-9")).isInstanceOf(NotFoundException.class);
            assertThat(seen.list(KeysInMemory.OPERATOR)).hasSize(1);
            assertThat(seen.authenticate("right")).isPresent();
            assertThat(seen.authenticate("wrong")).isEmpty();
        }
        List<JsonNode> events = events();
        assertThat(events).extracting(e -> e.path("action").asString() + " " + e.path("outcome").asString())
                .containsExactly("keys.create done", "keys.create refused", "keys.revoke failed", "keys.authenticate refused");
        assertThat(events.get(0).path("target").asString()).isEqualTo("key-0");
        assertThat(events.get(0).path("key").asString()).isEqualTo("operator");
        assertThat(events.get(0).path("at").asString()).isEqualTo("2026-11-24T12:00:00Z");
        assertThat(events.get(1).path("keyName").asString()).isEqualTo("laptop");
        assertThat(events.get(2).path("error").asString()).startsWith("NotFoundException: ");
        assertThat(Files.readString(file())).doesNotContain("the secret of").doesNotContain("wrong\"");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file()))).isEqualTo("rw-------");
    }

    @Test
    void whatARequestDidCarriesItsIdAndItsClientsAddress() throws Exception {
        var keys = new KeysInMemory();
        try (var log = log(keys)) {
            Keys seen = observed(log, keys);
            try (var listener = HttpListener.start(
                            ListenerConfig.on("127.0.0.1", 0),
                            request -> Response.text(seen.create(KeysInMemory.OPERATOR, ProjectId.DEFAULT, "a").key().id()),
                            (_, e) -> Response.text(e.toString()), new SecureRandom());
                    var client = HttpClient.newHttpClient()) {
                URI uri = URI.create("http://127.0.0.1:" + listener.port() + "/");
                HttpResponse<String> given = client.send(
                        HttpRequest.newBuilder(uri).header("X-Request-Id", "mine-1").build(), HttpResponse.BodyHandlers.ofString());
                HttpResponse<String> hostile = client.send(
                        HttpRequest.newBuilder(uri).header("X-Request-Id", "a b\"c").build(), HttpResponse.BodyHandlers.ofString());
                assertThat(given.headers().firstValue("X-Request-Id")).contains("mine-1");
                assertThat(hostile.headers().firstValue("X-Request-Id").orElseThrow()).matches("[0-9a-f]{16}");
            }
        }
        assertThat(events().getFirst().path("request").asString()).isEqualTo("mine-1");
        assertThat(events().getFirst().path("from").asString()).isEqualTo("127.0.0.1");
        assertThat(events().getLast().path("request").asString()).matches("[0-9a-f]{16}");
    }

    @Test
    void filesAreTurnedAtTheirBoundAndNothingIsLostBetweenThem() throws IOException {
        try (var file = RotatingFile.open(file(), 100, 3)) {
            for (int i = 0; i < 30; i++) {
                file.append("line " + i + " of some length\n");
            }
        }
        try (Stream<Path> all = Files.list(directory)) {
            assertThat(all.map(p -> p.getFileName().toString())).containsExactlyInAnyOrder("audit.jsonl", "audit.jsonl.1", "audit.jsonl.2", "audit.jsonl.3");
        }
        var lines = Stream.of(".3", ".2", ".1", "").flatMap(suffix -> lines(directory.resolve("audit.jsonl" + suffix)).stream()).toList();
        int first = 30 - lines.size();
        assertThat(lines).hasSizeGreaterThan(9);
        for (int i = 0; i < lines.size(); i++) {
            assertThat(lines.get(i)).isEqualTo("line " + (first + i) + " of some length");
        }
    }

    @Test
    void aFileIsGoneOnWith() throws IOException {
        for (int i = 0; i < 2; i++) {
            try (var file = RotatingFile.open(file(), 100, 3)) {
                file.append("line " + i + "\n");
            }
        }
        assertThat(lines(file())).containsExactly("line 0", "line 1");
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
