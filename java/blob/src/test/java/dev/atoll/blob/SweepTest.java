package dev.atoll.blob;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Consumer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class SweepTest {
    @TempDir
    private Path directory;

    private Vault vault;
    /** What was still there after a listing had told it. */
    private final List<String> outlived = new ArrayList<>();

    @BeforeEach
    void open() {
        var store = new WatchedStore(DirectoryBlobStore.open(directory.resolve("blobs"))) {
            @Override
            public void list(String prefix, Consumer<Blob> each) {
                super.list(prefix, blob -> {
                    each.accept(blob);
                    if (has(blob.name())) {
                        outlived.add(blob.name());
                    }
                });
            }
        };
        vault = new Vault(store, VaultTest.key(directory.resolve("key")), "me");
    }

    @AfterEach
    void close() {
        vault.close();
    }

    /** All of them would be too much to remember. */
    @Test
    void what_is_of_no_use_is_removed_while_it_is_listed() {
        VaultTest.write(vault, VaultTest.name(1), 50, 0);
        assertThat(vault.sweep(List.of()).blobs()).isEqualTo(52);
        assertThat(outlived).isEmpty();
    }

    @Test
    @Timeout(60)
    void a_sweep_that_would_wait_for_an_archive_is_left_out() throws Exception {
        VaultTest.write(vault, VaultTest.name(1), 3, 0);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor();
                ArchiveWriter underWay = vault.write(VaultTest.name(2))) {
            underWay.add(0, new byte[100]);
            assertThat(threads.submit(() -> vault.trySweep(List.of())).get()).isEmpty();
        }
        assertThat(vault.trySweep(List.of())).hasValueSatisfying(swept -> assertThat(swept.blobs()).isEqualTo(6));
    }

    /** The lock is fair: who reads behind a writer that waits would wait as long. */
    @Test
    @Timeout(60)
    void a_restore_goes_on_while_a_sweep_waits_for_an_archive() throws Exception {
        VaultTest.write(vault, VaultTest.name(1), 50, 0);
        try (var threads = Executors.newCachedThreadPool()) {
            Future<Sweep.Swept> sweep;
            try (ArchiveWriter underWay = vault.write(VaultTest.name(2))) {
                underWay.add(0, new byte[100]);
                sweep = threads.submit(() -> vault.sweep(List.of(VaultTest.name(1))));
                Awaitility.await().until(((ReentrantReadWriteLock) vault.lock())::hasQueuedThreads);
                assertThat(threads.submit(() -> VaultTest.read(vault, VaultTest.name(1))).get())
                        .isEqualTo(VaultTest.parts(50, 0));
                assertThat(sweep).isNotDone();
            }
            assertThat(sweep.get().blobs()).isEqualTo(1);
        }
    }
}
