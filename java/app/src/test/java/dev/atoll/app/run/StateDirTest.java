package dev.atoll.app.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Purging with a wrong instance name, or a wrong directory, once deleted what it was told to. */
class StateDirTest {
    @TempDir
    private Path directory;

    @Test
    void anInstanceUsesAndDeletesItsOwn() {
        var own = new StateDir(directory, "one");
        own.claim();
        own.claim();
        own.delete();
        assertThat(directory).doesNotExist();
    }

    @Test
    void anotherInstanceNeitherUsesNorDeletesIt() throws IOException {
        new StateDir(directory, "one").claim();
        Files.writeString(directory.resolve("data"), "kept");
        var other = new StateDir(directory, "two");
        assertThatExceptionOfType(OperatorException.class).isThrownBy(other::claim).withMessageContaining("'one'");
        assertThatExceptionOfType(OperatorException.class).isThrownBy(other::delete).withMessageContaining("'one'");
        assertThat(directory.resolve("data")).exists();
    }

    @Test
    void aDirectoryThatNoInstanceMadeIsNotDeleted() throws IOException {
        Files.writeString(directory.resolve("data"), "kept");
        assertThatExceptionOfType(OperatorException.class).isThrownBy(new StateDir(directory, "one")::delete);
        assertThat(directory.resolve("data")).exists();
    }

    @Test
    void nothingToDeleteIsNoError() {
        new StateDir(directory.resolve("absent"), "one").delete();
    }
}
