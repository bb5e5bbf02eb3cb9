package dev.atoll.tests.images;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.net.httpserver.HttpExchange;
import dev.atoll.domain.CreateSandbox;
import dev.atoll.domain.ImageException;
import dev.atoll.domain.ImageException.Reason;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.Source;
import dev.atoll.engine.EngineConfig.Alias;
import dev.atoll.engine.EngineConfig.Prefer;
import dev.atoll.image.registry.RegistrySettings;
import dev.atoll.image.registry.RegistrySettings.Registry;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.Tar;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Registries that refuse, lie, stall and break off: each has its own error, and what can be gone on with is. */
class RegistryFaultsTest {
    private static final String PASSWORD = RegistryProcess.PASSWORD;

    @TempDir
    private static Path directory;

    private static RegistryProcess registry;
    private static RegistryProcess closed;
    private static RegistryProcess closedByFile;
    private static Front front;
    private static Front secure;
    private static Front wrong;
    private static String nobody;
    private static AtollNode node;

    @BeforeAll
    static void start() throws IOException {
        registry = RegistryProcess.start();
        closed = RegistryProcess.startClosed();
        closedByFile = RegistryProcess.startClosed();
        front = new Front(registry.host());
        secure = new Front(registry.host());
        wrong = new Front(closed.host());
        try (var unused = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            nobody = "127.0.0.1:" + unused.getLocalPort();
        }
        Path password = Files.writeString(directory.resolve("password"), PASSWORD + "\n");
        Path other = Files.writeString(directory.resolve("other"), "not-" + PASSWORD);
        Path docker = Files.writeString(directory.resolve("config.json"), """
                {"auths": {"%s": {"auth": "%s"}}}
                """.formatted(closedByFile.host(), base64("user:" + PASSWORD)));
        var settings = new RegistrySettings(
                List.of(
                        new Registry(registry.host(), true, Optional.empty(), Optional.empty()),
                        new Registry(closed.host(), true, Optional.of("user"), Optional.of(password)),
                        new Registry(closedByFile.host(), true, Optional.empty(), Optional.empty()),
                        new Registry(front.host(), true, Optional.of("user"), Optional.of(password)),
                        new Registry(wrong.host(), true, Optional.of("user"), Optional.of(other)),
                        new Registry(secure.host(), false, Optional.empty(), Optional.empty()),
                        new Registry(nobody, true, Optional.empty(), Optional.empty())),
                Optional.of(docker), true, Duration.ofSeconds(1), Duration.ofMillis(700), 4, 4 << 20);
        node = AtollNode.start(config -> config
                .withRegistries(Optional.of(settings))
                .withAliases(List.of(new Alias(nobody + "/aliased:*", "base", Prefer.REGISTRY))));
    }

    @AfterAll
    static void stop() {
        node.close();
        List.of(front, secure, wrong).forEach(Front::close);
        List.of(registry, closed, closedByFile).forEach(RegistryProcess::close);
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static TestImage small(String content) {
        return TestImage.empty().layer(Tar.of().file("file", content.repeat(2000)), TestImage.Compression.NONE);
    }

    private static Sandbox create(String image) {
        Sandbox made = node.engine().sandboxes().create(CALLER, CreateSandbox.from(new Source.OfImage(image)).build());
        node.engine().sandboxes().delete(CALLER, made.id());
        return made;
    }

    private static ImageException refused(String image, Reason reason) {
        var e = catchThrowableOfType(ImageException.class, () -> create(image));
        assertThat(e).as("%s is there", image).isNotNull();
        assertThat(e.reason()).as(e.getMessage()).isEqualTo(reason);
        assertThat(e.getMessage()).doesNotContain(PASSWORD);
        return e;
    }

    @Test
    void whatIsNotThereIsUnknown() {
        small("unknown").push(registry.host(), "known", "1");
        assertThat(refused(registry.host() + "/none:1", Reason.UNKNOWN)).hasMessageContaining("/none:1");
        refused(registry.host() + "/known:2", Reason.UNKNOWN);
        refused(registry.host() + "/known@sha256:" + "0".repeat(64), Reason.UNKNOWN);
    }

    @Test
    void passwordsOpenAndWrongOnesDoNot() {
        small("closed").push(closed.host(), "closed", "1");
        small("closed").push(closedByFile.host(), "closed", "1");
        create(closed.host() + "/closed:1");
        create(closedByFile.host() + "/closed:1");
        wrong.play((exchange, f) -> {
            exchange.getResponseHeaders().add("WWW-Authenticate", "Basic realm=\"test\"");
            Front.send(exchange, 401, new byte[0]);
            return true;
        });
        refused(wrong.host() + "/closed:1", Reason.REFUSED);
    }

    @Test
    void tokensAreAskedForByTheChallengeAndGoToTheRegistryOnly() {
        small("token").push(registry.host(), "token", "1");
        front.play((exchange, f) -> {
            String authorization = Optional.ofNullable(exchange.getRequestHeaders().getFirst("Authorization")).orElse("");
            if (exchange.getRequestURI().getPath().equals("/token")) {
                boolean known = authorization.equals("Basic " + base64("user:" + PASSWORD))
                        && exchange.getRequestURI().getQuery().equals("service=test&scope=repository:token:pull");
                Front.send(exchange, known ? 200 : 401, "{\"token\": \"good\", \"expires_in\": 300}".getBytes(StandardCharsets.UTF_8));
                return true;
            }
            if (authorization.equals("Bearer good")) {
                return false;
            }
            exchange.getResponseHeaders().add(
                    "WWW-Authenticate",
                    "Bearer realm=\"http://" + f.host() + "/token\",service=\"test\",scope=\"repository:token:pull\"");
            Front.send(exchange, 401, new byte[0]);
            return true;
        });
        create(front.host() + "/token:1");
        assertThat(front.seen().stream().filter(line -> line.contains("/token?"))).hasSize(1);
    }

    @Test
    void aTokenServiceThatRefusesIsARefusal() {
        front.play((exchange, f) -> {
            exchange.getResponseHeaders().add("WWW-Authenticate", "Bearer realm=\"http://" + f.host() + "/token\"");
            Front.send(exchange, 401, new byte[0]);
            return true;
        });
        assertThat(refused(front.host() + "/refusing:1", Reason.REFUSED)).hasMessageContaining("user user");
    }

    @Test
    void contentThatIsNotWhatItsDigestNamesIsRefused() {
        small("altered").push(registry.host(), "altered", "1");
        front.play((exchange, f) -> altered(exchange, f, "/blobs/"));
        assertThat(refused(front.host() + "/altered:1", Reason.WRONG_DIGEST)).hasMessageContaining("sha256:");
        String digest = small("altered").push(registry.host(), "altered", "2");
        front.play((exchange, f) -> altered(exchange, f, "/manifests/"));
        refused(front.host() + "/altered@" + digest, Reason.WRONG_DIGEST);
        TestImage.empty().layerWithWrongDiffId(Tar.of().file("f", "1")).push(registry.host(), "altered", "3");
        assertThat(refused(registry.host() + "/altered:3", Reason.WRONG_DIGEST)).hasMessageContaining("uncompressed");
    }

    private static boolean altered(HttpExchange exchange, Front f, String where) throws IOException {
        if (!exchange.getRequestURI().getPath().contains(where)) {
            return false;
        }
        byte[] body = f.real(exchange).body();
        body[body.length / 2] ^= 1;
        Front.send(exchange, 200, body);
        return true;
    }

    @Test
    void aDownloadThatBreaksGoesOnWhereItEnded() {
        TestImage image = small("broken");
        image.push(registry.host(), "broken", "1");
        var times = new AtomicInteger();
        front.play((exchange, f) -> {
            if (!exchange.getRequestURI().getPath().contains(image.layerDigest(0)) || times.incrementAndGet() > 3) {
                return false;
            }
            HttpResponse<byte[]> real = f.real(exchange);
            f.sendPart(exchange, real, real.body().length / 3, false);
            return true;
        });
        create(front.host() + "/broken:1");
        assertThat(front.seen().stream().filter(line -> line.contains("bytes="))).hasSize(3);
    }

    @Test
    void aDownloadThatAlwaysBreaksIsCut() {
        TestImage image = small("cut");
        image.push(registry.host(), "cut", "1");
        front.play((exchange, f) -> {
            if (!exchange.getRequestURI().getPath().contains(image.layerDigest(0))) {
                return false;
            }
            HttpResponse<byte[]> real = f.real(exchange);
            exchange.sendResponseHeaders(200, real.body().length);
            return true;
        });
        assertThat(refused(front.host() + "/cut:1", Reason.CUT)).hasMessageContaining(front.host());
    }

    @Test
    void aRegistryThatStallsIsGivenUp() {
        TestImage image = small("stalled");
        image.push(registry.host(), "stalled", "1");
        front.play((exchange, f) -> {
            if (exchange.getRequestURI().getPath().contains(image.layerDigest(0))) {
                f.sendPart(exchange, f.real(exchange), 0, true);
                return true;
            }
            return false;
        });
        refused(front.host() + "/stalled:1", Reason.STALLED);
    }

    @Test
    void whatIsNoImageOrTooLargeIsRefused() {
        front.play((exchange, f) -> {
            Front.send(exchange, 200, "<html>hello</html>".getBytes(StandardCharsets.UTF_8));
            return true;
        });
        refused(front.host() + "/page:1", Reason.MALFORMED);
        TestImage.empty().layer(Tar.of().file("f", new byte[5 << 20])).push(registry.host(), "bomb", "1");
        assertThat(refused(registry.host() + "/bomb:1", Reason.TOO_LARGE)).hasMessageContaining("max_bytes");
        TestImage.empty().layer(Tar.of().file("f", new byte[5 << 20]), TestImage.Compression.NONE).push(registry.host(), "large", "1");
        assertThat(refused(registry.host() + "/large:1", Reason.TOO_LARGE)).hasMessageContaining("images.max_size");
    }

    @Test
    void addressesOfThePrivateNetworkAndPlainHttpAreForNamedRegistriesOnly() {
        refused("localhost:" + registry.host().split(":")[1] + "/known:1", Reason.REFUSED);
        refused(secure.host() + "/known:1", Reason.UNREACHABLE);
        front.play((exchange, f) -> {
            exchange.getResponseHeaders().add("Location", "http://169.254.169.254/latest");
            Front.send(exchange, 307, new byte[0]);
            return true;
        });
        refused(front.host() + "/redirected:1", Reason.REFUSED);
    }

    @Test
    void anAliasTakesThePlaceOfARegistryThatCannotBeReached() {
        refused(nobody + "/other:1", Reason.UNREACHABLE);
        Sandbox made = create(nobody + "/aliased:1");
        assertThat(made.attributes()).containsEntry("atoll.alias", nobody + "/aliased:*");
    }
}
