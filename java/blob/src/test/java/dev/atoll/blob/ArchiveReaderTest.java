package dev.atoll.blob;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.ConflictException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class ArchiveReaderTest {
    private static final int RESTORES = 5;
    private static final int PARTS = 30;
    /** More than the list of so many parts has. */
    private static final int PART_BYTES = 10_000;

    @TempDir
    private Path directory;

    private Vault vault;
    private int permits;
    /** Parts that were fetched and that no sink is done with. */
    private final AtomicInteger held = new AtomicInteger();
    private final AtomicInteger mostHeld = new AtomicInteger();

    @BeforeEach
    void open() {
        var store = new WatchedStore(DirectoryBlobStore.open(directory.resolve("blobs"))) {
            @Override
            public Optional<byte[]> get(String name) {
                Optional<byte[]> found = super.get(name);
                if (found.isPresent() && found.get().length > PART_BYTES) {
                    mostHeld.accumulateAndGet(held.incrementAndGet(), Math::max);
                }
                return found;
            }
        };
        vault = new Vault(store, VaultTest.key(directory.resolve("key")), "me");
        permits = vault.permits().availablePermits();
        for (int archive = 0; archive < RESTORES; archive++) {
            try (ArchiveWriter writer = vault.write(VaultTest.name(archive))) {
                for (int i = 0; i < PARTS; i++) {
                    byte[] content = new byte[PART_BYTES];
                    content[0] = (byte) archive;
                    content[1] = (byte) i;
                    writer.add(i, content);
                }
                writer.finish(1 << 20, new byte[0]);
            }
        }
    }

    @AfterEach
    void close() {
        assertThat(vault.permits().availablePermits()).as("all permits are back").isEqualTo(permits);
        vault.close();
    }

    /** A part waits for its sink after it was fetched; it is in memory all the same. */
    @Test
    @Timeout(60)
    void restores_at_once_hold_no_more_parts_than_there_are_permits() throws Exception {
        var gate = new CountDownLatch(1);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var restores = new ArrayList<Future<Integer>>();
            for (int archive = 0; archive < RESTORES; archive++) {
                ArchiveReader reader = vault.read(VaultTest.name(archive));
                byte number = (byte) archive;
                restores.add(threads.submit(() -> {
                    var next = new AtomicInteger();
                    reader.each((index, content) -> {
                        await(gate);
                        assertThat(index).isEqualTo(next.getAndIncrement());
                        assertThat(content).startsWith(number, (byte) index);
                        held.decrementAndGet();
                    });
                    return next.get();
                }));
            }
            try {
                Awaitility.await().until(() -> held.get() >= permits);
                Awaitility.await().during(Duration.ofMillis(300)).until(() -> held.get() == permits);
            } finally {
                gate.countDown();
            }
            for (Future<Integer> restore : restores) {
                assertThat(restore.get()).isEqualTo(PARTS);
            }
        }
        assertThat(mostHeld.get()).isEqualTo(permits);
    }

    private static void await(CountDownLatch gate) {
        try {
            gate.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    @Timeout(60)
    void a_restore_that_fails_gives_its_permits_back_once() {
        for (int failing = 0; failing < 3 * permits; failing++) {
            int at = failing % PARTS;
            assertThatThrownBy(() -> vault.read(VaultTest.name(1)).each((index, content) -> {
                        if (index == at) {
                            throw new IllegalStateException("the sink is full");
                        }
                    }))
                    .hasMessage("the sink is full");
            assertThat(vault.permits().availablePermits()).isEqualTo(permits);
        }
        vault.store().list(Vault.contents(), blob -> {
            if (blob.bytes() > PART_BYTES) {
                vault.store().delete(blob.name());
            }
        });
        assertThatThrownBy(() -> vault.read(VaultTest.name(1)).each((index, content) -> {}))
                .isInstanceOf(ConflictException.class);
    }
}
