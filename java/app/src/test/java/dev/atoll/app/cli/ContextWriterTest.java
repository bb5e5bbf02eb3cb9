package dev.atoll.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.ContextFile;
import dev.atoll.image.ContextArchive;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ContextWriterTest {
    @Test
    void whatTheServerReadsIsTheDirectoryWithoutWhatIsExcluded(@TempDir Path directory, @TempDir Path kept) throws IOException {
        Files.writeString(directory.resolve(".dockerignore"), "out\n*.log\n!keep.log\nDockerfile\n");
        Files.writeString(directory.resolve("Dockerfile"), "FROM x");
        Files.writeString(directory.resolve("a.log"), "excluded");
        Files.writeString(directory.resolve("keep.log"), "kept");
        Files.createDirectories(directory.resolve("out/deep"));
        Files.writeString(directory.resolve("out/deep/x"), "excluded");
        String longName = "n".repeat(150);
        Path tool = Files.writeString(Files.createDirectories(directory.resolve("bin")).resolve(longName), "run me");
        Files.setPosixFilePermissions(tool, PosixFilePermissions.fromString("rwxr-x---"));
        Files.createDirectory(directory.resolve("empty"));
        Files.createSymbolicLink(directory.resolve("link"), Path.of("bin/tool"));

        var tar = new ByteArrayOutputStream();
        try (var context = new ContextWriter(directory, tar)) {
            context.add(ContextArchive.DOCKERFILE, directory.resolve("Dockerfile"));
            context.addTree();
        }
        try (var read = ContextArchive.receive(new ByteArrayInputStream(tar.toByteArray()), kept.resolve("tar"), 1 << 20, bytes -> {})) {
            assertThat(read.files()).extracting(ContextFile::path).containsExactlyInAnyOrder(
                    ".dockerignore", "keep.log", "bin", "bin/" + longName, "empty", "link");
            assertThat(read.text(ContextArchive.DOCKERFILE)).contains("FROM x");
            ContextFile found = read.files().stream().filter(f -> f.path().equals("bin/" + longName)).findFirst().orElseThrow();
            assertThat(found.mode()).isEqualTo(0750);
            assertThat(found.content().open()).hasContent("run me");
        }
    }
}
