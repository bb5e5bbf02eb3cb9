package dev.atoll.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.ContextFile;
import dev.atoll.domain.InvalidFieldException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ContextTest {
    @TempDir
    private Path directory = Path.of("");

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            node_modules         | node_modules/a/b    | true
            node_modules         | x/node_modules/a    | false
            **/node_modules      | x/node_modules/a    | true
            *.md                 | README.md           | true
            *.md                 | docs/README.md      | false
            **/*.md              | docs/a/README.md    | true
            *.md,!README.md      | README.md           | false
            *.md,!README*.md,README-secret.md | README-secret.md | true
            /build/              | build/x             | true
            temp?                | tempo               | true
            temp?                | temporary           | false
            # comment            | # comment           | false
            a[b-d]               | ac                  | true
            docs,!docs/keep      | docs/keep/x         | false
            """)
    void theLastPatternThatMatchesDecides(String patterns, String path, boolean excluded) {
        assertThat(DockerIgnore.parse(patterns.replace(',', '\n')).excludes(path)).isEqualTo(excluded);
    }

    @Test
    void aTarStreamIsAContextWithoutWhatItsOwnFileExcludes() throws IOException {
        byte[] tar = tar();
        Path file = directory.resolve("context");
        try (var context = ContextArchive.receive(new ByteArrayInputStream(gzip(tar)), file, 1 << 20, bytes -> {})) {
            assertThat(context.files()).extracting(ContextFile::path)
                    .containsExactly(".dockerignore", "dir", "dir/a", "dir/hard", "dir/link", "outside");
            assertThat(context.files()).extracting(ContextFile::kind).contains(ContextFile.Kind.LINK, ContextFile.Kind.DIRECTORY);
            ContextFile a = context.files().get(2);
            assertThat(a.mode()).isEqualTo(0755);
            assertThat(a.content().open()).hasContent("content of a");
            assertThat(context.files().get(3).sha256()).isEqualTo(a.sha256());
            assertThat(context.text("Dockerfile")).contains("FROM x");
        }
        assertThat(file).doesNotExist();
        assertThatThrownBy(() -> ContextArchive.receive(new ByteArrayInputStream(tar), file, 100, bytes -> {}))
                .isInstanceOf(InvalidFieldException.class);
        assertThatThrownBy(() -> ContextArchive.receive(new ByteArrayInputStream(new byte[700]), file, 1000, bytes -> {}).files().getFirst())
                .isInstanceOf(RuntimeException.class);
    }

    private static byte[] tar() throws IOException {
        var out = new ByteArrayOutputStream();
        try (var tar = new TarArchiveOutputStream(out)) {
            file(tar, "Dockerfile", "FROM x", 0644);
            file(tar, "./.dockerignore", "Dockerfile\n*.log\n", 0644);
            tar.putArchiveEntry(new TarArchiveEntry("dir/"));
            tar.closeArchiveEntry();
            file(tar, "dir/a", "content of a", 0755);
            link(tar, "dir/hard", "dir/a", TarConstants.LF_LINK);
            link(tar, "dir/link", "a", TarConstants.LF_SYMLINK);
            file(tar, "x.log", "log", 0644);
            file(tar, "../outside", "stays inside", 0644);
        }
        return out.toByteArray();
    }

    private static void file(TarArchiveOutputStream tar, String name, String content, int mode) throws IOException {
        byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
        var entry = new TarArchiveEntry(name);
        entry.setSize(bytes.length);
        entry.setMode(mode);
        tar.putArchiveEntry(entry);
        tar.write(bytes);
        tar.closeArchiveEntry();
    }

    private static void link(TarArchiveOutputStream tar, String name, String to, byte kind) throws IOException {
        var entry = new TarArchiveEntry(name, kind);
        entry.setLinkName(to);
        tar.putArchiveEntry(entry);
        tar.closeArchiveEntry();
    }

    private static byte[] gzip(byte[] plain) throws IOException {
        var out = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(out)) {
            gzip.write(plain);
        }
        return out.toByteArray();
    }
}
