package dev.atoll.blob;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.UnavailableException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectoryBlobStoreTest extends BlobStoreContract {
    @TempDir
    private Path directory;

    @Override
    BlobStore open() {
        return DirectoryBlobStore.open(directory.resolve("blobs"));
    }

    @Test
    void what_a_crash_left_half_written_is_removed_and_was_never_seen() throws Exception {
        Files.write(directory.resolve("blobs/tmp/0"), new byte[100]);
        try (BlobStore again = open()) {
            again.list("", blob -> assertThat(blob.name()).isEmpty());
            assertThat(directory.resolve("blobs/tmp/0")).doesNotExist();
        }
    }

    @Test
    void a_directory_that_cannot_be_written_is_told() throws Exception {
        Files.writeString(directory.resolve("file"), "");
        assertThatThrownBy(() -> DirectoryBlobStore.open(directory.resolve("file/blobs")))
                .isInstanceOf(UnavailableException.class)
                .hasMessageContaining("the blob store failed");
    }
}
