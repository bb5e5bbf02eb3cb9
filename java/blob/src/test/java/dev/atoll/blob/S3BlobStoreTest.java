package dev.atoll.blob;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.UnavailableException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class S3BlobStoreTest extends BlobStoreContract {
    @TempDir
    private static Path directory;

    private static S3Server server;
    private static final AtomicInteger PREFIX = new AtomicInteger();

    @BeforeAll
    static void startServer() throws Exception {
        server = S3Server.start(directory);
    }

    @AfterAll
    static void stopServer() {
        server.close();
    }

    @Override
    BlobStore open() {
        return S3BlobStore.open(server.settings("node-" + PREFIX.incrementAndGet() + "/", "secret"));
    }

    @Test
    void names_lie_below_the_prefix() {
        try (BlobStore store = S3BlobStore.open(server.settings("mine/", "secret"))) {
            store.put("m/abc", new byte[] {1});
        }
        assertThat(directory.resolve(S3Server.BUCKET).resolve("mine/m/abc")).hasBinaryContent(new byte[] {1});
    }

    @Test
    void a_wrong_secret_and_a_server_that_is_away_are_told() throws Exception {
        try (BlobStore store = S3BlobStore.open(server.settings("", "wrong"))) {
            assertThatThrownBy(() -> store.get("m/abc"))
                    .isInstanceOf(UnavailableException.class)
                    .hasMessageContaining("403");
        }
        S3BlobStore.Settings gone;
        try (S3Server other = S3Server.start(directory.resolve("other"))) {
            gone = other.settings("", "secret");
        }
        try (BlobStore store = S3BlobStore.open(gone)) {
            assertThatThrownBy(() -> store.put("m/abc", new byte[1]))
                    .isInstanceOf(UnavailableException.class)
                    .hasMessageContaining("failed at put m/abc");
        }
    }

    /** The whole of an archive's life on a server. */
    @Test
    void an_archive_is_stored_read_and_swept() throws Exception {
        var settings = server.settings("vault/", "secret");
        try (var vault = new Vault(S3BlobStore.open(settings), VaultTest.key(directory.resolve("key")), "me")) {
            String archive = VaultTest.name(1);
            VaultTest.write(vault, archive, 20, 0);
            assertThat(VaultTest.read(vault, archive)).isEqualTo(VaultTest.parts(20, 0));
            assertThat(vault.sweep(java.util.List.of(archive)).blobs()).isZero();
            assertThat(vault.sweep(java.util.List.of()).blobs()).isEqualTo(22);
        }
    }
}
