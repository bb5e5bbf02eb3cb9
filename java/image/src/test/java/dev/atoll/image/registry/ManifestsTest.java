package dev.atoll.image.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.net.httpserver.HttpHandler;
import dev.atoll.domain.ImageException;
import dev.atoll.domain.ImageException.Reason;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Answers that take more in memory, or lead elsewhere, than they should. */
@Timeout(60)
class ManifestsTest {
    @TempDir
    private Path directory = Path.of("");

    private ImageException refused(HttpHandler handler) throws IOException {
        try (var registry = new FakeRegistry(handler);
                var registries = new Registries(registry.settings(1), directory, Clock.systemUTC())) {
            return catchThrowableOfType(ImageException.class, () -> registries.resolve(registry.image()));
        }
    }

    @Test
    void aDocumentOfManySmallPartsIsNotReadIntoMemory() throws IOException {
        String body = "{\"layers\":[" + "{},".repeat(1_300_000) + "{}]}";
        ImageException e = refused(exchange -> FakeRegistry.send(exchange, 200, body));
        assertThat(e.reason()).isEqualTo(Reason.TOO_LARGE);
        assertThat(e).hasMessageContaining("parts");
    }

    @Test
    void documentsAreReadUpToTheirBound() throws IOException {
        for (int size : new int[] {(256 << 10) - 1, 256 << 10, 4 << 20}) {
            String body = "{}" + " ".repeat(size - 2);
            assertThat(refused(exchange -> FakeRegistry.send(exchange, 200, body))).hasMessageContaining("without configuration");
        }
        String larger = "{}" + " ".repeat((4 << 20) - 1);
        assertThat(refused(exchange -> FakeRegistry.send(exchange, 200, larger)).reason()).isEqualTo(Reason.TOO_LARGE);
    }

    @Test
    void largeDocumentsThatNeverEndKeepNobodyFromSmallOnes() throws Exception {
        var begun = new CountDownLatch(4);
        var go = new CountDownLatch(1);
        String head = "{}" + " ".repeat(300 << 10);
        try (var registry = new FakeRegistry(exchange -> {
            if (exchange.getRequestURI().getPath().contains("/small/")) {
                FakeRegistry.send(exchange, 200, "{}");
                return;
            }
            exchange.sendResponseHeaders(200, 0);
            exchange.getResponseBody().write(head.getBytes(StandardCharsets.UTF_8));
            exchange.getResponseBody().flush();
            begun.countDown();
            try {
                go.await();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
        }); var registries = new Registries(registry.settings(1), directory, Clock.systemUTC());
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var large = IntStream.range(0, 4)
                    .mapToObj(i -> threads.submit(() -> catchThrowableOfType(ImageException.class, () -> registries.resolve(registry.image()))))
                    .toList();
            begun.await();
            ImageReference small = ImageReference.parse(registry.host() + "/small/image:1");
            assertThat(catchThrowableOfType(ImageException.class, () -> registries.resolve(small))).hasMessageContaining("without configuration");
            go.countDown();
            for (var each : large) {
                assertThat(each.get()).hasMessageContaining("without configuration");
            }
        }
    }

    @Test
    void layersAreCountedBeforeTheirSizesAreAdded() throws IOException {
        long size = Long.MAX_VALUE / 256;
        String layers = IntStream.range(0, 300)
                .mapToObj(i -> "{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"sha256:%064d\",\"size\":%d}"
                        .formatted(i, size))
                .collect(Collectors.joining(","));
        ImageException e = refused(exchange ->
                FakeRegistry.send(exchange, 200, "{\"config\":{},\"layers\":[" + layers + "]}"));
        assertThat(e.reason()).isEqualTo(Reason.MALFORMED);
        assertThat(e).hasMessageContaining("300 layers");
    }

    @Test
    void aRedirectToAPortThatThereIsNotIsMalformed() throws IOException {
        ImageException e = refused(exchange -> {
            exchange.getResponseHeaders().add("Location", "https://127.0.0.1:99999/");
            FakeRegistry.send(exchange, 307, "");
        });
        assertThat(e.reason()).isEqualTo(Reason.MALFORMED);
    }

    @Test
    void aTokenServiceAtAPortThatThereIsNotIsMalformed() throws IOException {
        ImageException e = refused(exchange -> {
            exchange.getResponseHeaders().add("WWW-Authenticate", "Bearer realm=\"https://127.0.0.1:99999/token\"");
            FakeRegistry.send(exchange, 401, "");
        });
        assertThat(e.reason()).isEqualTo(Reason.MALFORMED);
    }

    @Test
    void aTokenIsBoundedInSize() throws IOException {
        ImageException e = refused(exchange -> {
            if (exchange.getRequestURI().getPath().equals("/token")) {
                FakeRegistry.send(exchange, 200, "{\"token\":\"" + "t".repeat(100_000) + "\"}");
                return;
            }
            exchange.getResponseHeaders().add(
                    "WWW-Authenticate", "Bearer realm=\"http://" + exchange.getRequestHeaders().getFirst("Host") + "/token\"");
            FakeRegistry.send(exchange, 401, "");
        });
        assertThat(e.reason()).isEqualTo(Reason.MALFORMED);
        assertThat(e).hasMessageContaining("token service");
    }
}
