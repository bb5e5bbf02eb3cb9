package dev.atoll.image.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.atoll.domain.ImageException;
import dev.atoll.domain.ImageException.Reason;
import dev.atoll.image.registry.Registries.Held;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class BlobFilesTest {
    private static final byte[] CONTENT = "some content".getBytes(StandardCharsets.UTF_8);

    @TempDir
    private Path directory = Path.of("");

    private static Descriptor blob(String content) {
        byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
        return new Descriptor("", Digest.of(bytes), bytes.length);
    }

    private static Descriptor blob() {
        return new Descriptor("", Digest.of(CONTENT), CONTENT.length);
    }

    private BlobFiles files(FakeRegistry registry, RegistryHttp http, InstantSource clock) {
        return new BlobFiles(directory, http, clock, registry.settings(1).atOnce());
    }

    /** Cuts once, and from then on sends more than the blob has, each time after a cut again. */
    @Test
    void aRegistryThatCutsAndThenSendsTooMuchIsGivenUp() throws IOException {
        var times = new AtomicInteger();
        try (var registry = new FakeRegistry(exchange -> {
            if (times.incrementAndGet() % 2 == 1) {
                exchange.sendResponseHeaders(200, CONTENT.length);
                exchange.getResponseBody().write(CONTENT, 0, 3);
                exchange.getResponseBody().flush();
            } else {
                FakeRegistry.send(exchange, 200, "more than the content has");
            }
        }); var http = new RegistryHttp(registry.settings(1), Clock.systemUTC())) {
            BlobFiles files = files(registry, http, Clock.systemUTC());
            try (Held held = files.hold(List.of(blob()))) {
                var e = catchThrowableOfType(ImageException.class, () -> files.fetch(registry.image(), blob(), () -> false));
                assertThat(e.reason()).isEqualTo(Reason.WRONG_DIGEST);
                assertThat(registry.asked()).isEqualTo(4);
                assertThat(directory).isEmptyDirectory();
            }
        }
    }

    @Test
    void aPartOfSomethingElseIsHadAnew() throws IOException {
        try (var registry = new FakeRegistry(exchange -> {
            boolean part = exchange.getRequestHeaders().containsKey("Range");
            exchange.getResponseHeaders().add("Content-Range", "bytes 3-11/12");
            FakeRegistry.send(exchange, part ? 206 : 200, new String(CONTENT, StandardCharsets.UTF_8).substring(part ? 3 : 0));
        }); var http = new RegistryHttp(registry.settings(1), Clock.systemUTC())) {
            BlobFiles files = files(registry, http, Clock.systemUTC());
            Files.writeString(directory.resolve(blob().digest().hex() + ".part"), "xyz");
            try (Held held = files.hold(List.of(blob()))) {
                assertThat(files.fetch(registry.image(), blob(), () -> false)).hasBinaryContent(CONTENT);
            }
            assertThat(registry.asked()).isEqualTo(2);
        }
    }

    /** One byte a minute, on connections that end or not: it would come for years. */
    @Test
    void aDownloadThatDripsIsGivenUp() throws IOException {
        var now = new AtomicReference<>(Instant.EPOCH);
        String content = "x".repeat(10_000);
        try (var registry = new FakeRegistry(exchange -> {
            now.updateAndGet(before -> before.plus(Duration.ofMinutes(1)));
            long from = exchange.getRequestHeaders().containsKey("Range")
                    ? Long.parseLong(exchange.getRequestHeaders().getFirst("Range").replaceAll("\\D", ""))
                    : 0;
            exchange.getResponseHeaders().add("Content-Range", "bytes " + from + "-9999/10000");
            exchange.sendResponseHeaders(from == 0 ? 200 : 206, content.length() - from);
            exchange.getResponseBody().write('x');
            exchange.getResponseBody().flush();
        }); var http = new RegistryHttp(registry.settings(1), Clock.systemUTC())) {
            BlobFiles files = files(registry, http, now::get);
            var e = catchThrowableOfType(ImageException.class, () -> files.fetch(registry.image(), blob(content), () -> false));
            assertThat(e.reason()).isEqualTo(Reason.STALLED);
            assertThat(e).hasMessageContaining("16384 bytes a second");
            assertThat(registry.asked()).isLessThan(10);
        }
    }

    @Test
    void whoWaitsForATurnOrForAnothersDownloadCanBeCancelled() throws Exception {
        var asked = new CountDownLatch(1);
        var go = new CountDownLatch(1);
        try (var registry = new FakeRegistry(exchange -> {
            asked.countDown();
            try {
                go.await();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            FakeRegistry.send(exchange, 200, new String(CONTENT, StandardCharsets.UTF_8));
        }); var http = new RegistryHttp(registry.settings(1), Clock.systemUTC())) {
            BlobFiles files = files(registry, http, Clock.systemUTC());
            try (Held held = files.hold(List.of(blob()))) {
                var first = CompletableFuture.supplyAsync(() -> files.fetch(registry.image(), blob(), () -> false));
                asked.await();
                for (Descriptor wanted : List.of(blob(), blob("another"))) {
                    var times = new AtomicInteger();
                    var e = catchThrowableOfType(
                            ImageException.class,
                            () -> files.fetch(registry.image(), wanted, () -> times.incrementAndGet() > 1));
                    assertThat(e).hasMessage("cancelled");
                }
                // The one whose turn never came is nobody's who comes later.
                go.countDown();
                assertThat(first.join()).hasBinaryContent(CONTENT);
                var e = catchThrowableOfType(
                        ImageException.class, () -> files.fetch(registry.image(), blob("another"), () -> false));
                assertThat(e.reason()).isEqualTo(Reason.WRONG_DIGEST);
            }
        }
    }

    @Test
    void aFileGoesWithTheLastWhoHoldsItWhateverElseIsHeld() throws IOException {
        try (var registry = new FakeRegistry(exchange -> FakeRegistry.send(
                        exchange, 200, exchange.getRequestURI().getPath().endsWith(blob("b").digest().hex()) ? "b" : "a"));
                var http = new RegistryHttp(registry.settings(1), Clock.systemUTC())) {
            BlobFiles files = files(registry, http, Clock.systemUTC());
            Held first = files.hold(List.of(blob("a")));
            Held second = files.hold(List.of(blob("a"), blob("b")));
            Path a = files.fetch(registry.image(), blob("a"), () -> false);
            Path b = files.fetch(registry.image(), blob("b"), () -> false);
            Path left = Files.writeString(directory.resolve(blob("c").digest().hex() + ".part"), "of an earlier engine");
            first.close();
            assertThat(left).doesNotExist();
            assertThat(List.of(a, b)).allSatisfy(file -> assertThat(file).exists());
            Held third = files.hold(List.of(blob("b")));
            second.close();
            assertThat(a).doesNotExist();
            assertThat(b).exists();
            third.close();
            assertThat(b).doesNotExist();
        }
    }
}
