package dev.atoll.blob;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.ConflictException;
import dev.atoll.domain.UnavailableException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VaultTest {
    private static final byte[] SEAL = {1, 2, 3};

    @TempDir
    private Path directory;

    private Vault vault;

    @BeforeEach
    void open() {
        vault = vault("me");
    }

    @AfterEach
    void close() {
        vault.close();
    }

    private Vault vault(String owner) {
        return new Vault(DirectoryBlobStore.open(directory.resolve("blobs")), key(directory.resolve("key")), owner);
    }

    static ArchiveKey key(Path file) {
        return ArchiveKey.readOrMake(file, new SecureRandom());
    }

    static String name(int number) {
        return HexFormat.of().withUpperCase().formatHex(new byte[12]) + "%08x".formatted(number);
    }

    /** Parts of pseudorandom content; those of two seeds differ in the last one only. */
    static List<List<Byte>> parts(int count, int seed) {
        var parts = new ArrayList<List<Byte>>();
        for (int i = 0; i < count; i++) {
            byte[] content = content(i, i == count - 1 ? seed : 0);
            var boxed = new ArrayList<Byte>();
            for (byte b : content) {
                boxed.add(b);
            }
            parts.add(boxed);
        }
        return parts;
    }

    private static byte[] content(int index, int seed) {
        byte[] content = new byte[100 + index];
        new Random(1000L * seed + index).nextBytes(content);
        return content;
    }

    static ArchiveWriter.Summary write(Vault vault, String archive, int count, int seed) {
        try (ArchiveWriter writer = vault.write(archive)) {
            for (int i = 0; i < count; i++) {
                writer.add(3 * i, content(i, i == count - 1 ? seed : 0));
            }
            return writer.finish(1L << 30, SEAL);
        }
    }

    static List<List<Byte>> read(Vault vault, String archive) {
        var parts = new ArrayList<List<Byte>>();
        ArchiveReader reader = vault.read(archive);
        assertThat(reader.size()).isEqualTo(1L << 30);
        assertThat(reader.seal()).isEqualTo(SEAL);
        reader.each((index, content) -> {
            assertThat(index).isEqualTo(3 * parts.size());
            var boxed = new ArrayList<Byte>();
            for (byte b : content) {
                boxed.add(b);
            }
            parts.add(boxed);
        });
        return parts;
    }

    @Test
    void what_was_stored_comes_back_in_its_order_and_only_what_is_new_is_stored() {
        var first = write(vault, name(1), 50, 0);
        assertThat(first.parts()).isEqualTo(50);
        assertThat(first.newBytes()).isGreaterThan(first.dataBytes());
        var second = write(vault, name(2), 50, 1);
        assertThat(second.newBytes()).as("one part and the list").isLessThan(3000);
        assertThat(read(vault, name(1))).isEqualTo(parts(50, 0));
        assertThat(read(vault, name(2))).isEqualTo(parts(50, 1));
        assertThat(write(vault, name(3), 0, 0).parts()).isZero();
        assertThat(read(vault, name(3))).isEmpty();
    }

    @Test
    void a_sweep_removes_what_no_archive_names_and_nothing_else() {
        write(vault, name(1), 50, 0);
        write(vault, name(2), 50, 1);
        assertThat(vault.sweep(List.of(name(1), name(2))).blobs()).isZero();
        assertThat(vault.sweep(List.of(name(2))).blobs()).as("manifest, list, one part").isEqualTo(3);
        assertThat(read(vault, name(2))).isEqualTo(parts(50, 1));
        vault.forget(name(2));
        assertThat(vault.sweep(List.of()).blobs()).isEqualTo(51);
        assertThat(files()).containsExactly("store");
    }

    @Test
    void a_sweep_that_cannot_read_a_manifest_removes_nothing() {
        write(vault, name(1), 5, 0);
        write(vault, name(2), 5, 1);
        var before = files();
        assertThatThrownBy(() -> vault.sweep(List.of(name(1), name(9)))).isInstanceOf(ConflictException.class);
        assertThat(files()).isEqualTo(before);
    }

    @Test
    void everything_that_is_lost_or_altered_is_told() {
        write(vault, name(1), 3, 0);
        for (String file : files()) {
            if (file.equals("store")) {
                continue;
            }
            damaged(file, bytes -> bytes[bytes.length - 1] ^= 1, "altered");
            damaged(file, bytes -> bytes[0] = 9, "altered");
            damaged(file, bytes -> bytes[3] ^= 1, "altered");
            byte[] whole = bytes(file);
            write(file, new byte[0]);
            assertThatThrownBy(() -> read(vault, name(1))).isInstanceOf(ConflictException.class);
            delete(file);
            assertThatThrownBy(() -> read(vault, name(1)))
                    .isInstanceOf(ConflictException.class)
                    .hasMessageContaining("lost");
            write(file, whole);
        }
        assertThat(read(vault, name(1))).isEqualTo(parts(3, 0));
    }

    /** Whoever holds the store cannot put one content in the place of another. */
    @Test
    void contents_that_changed_places_are_told() {
        write(vault, name(1), 3, 0);
        write(vault, name(2), 3, 1);
        List<String> contents = files().stream().filter(f -> f.startsWith("c/")).toList();
        for (String file : contents) {
            byte[] whole = bytes(file);
            String other = contents.get((contents.indexOf(file) + 1) % contents.size());
            write(file, bytes(other));
            var read = Stream.of(1, 2).map(number -> {
                try {
                    return read(vault, name(number)).equals(parts(3, number - 1));
                } catch (ConflictException e) {
                    return false;
                }
            });
            assertThat(read).contains(false);
            write(file, whole);
        }
        byte[] manifest = bytes("m/" + name(1));
        write("m/" + name(1), bytes("m/" + name(2)));
        assertThatThrownBy(() -> read(vault, name(1))).isInstanceOf(ConflictException.class);
        write("m/" + name(1), manifest);
    }

    private void damaged(String file, Consumer<byte[]> change, String message) {
        byte[] whole = bytes(file);
        byte[] altered = whole.clone();
        change.accept(altered);
        write(file, altered);
        assertThatThrownBy(() -> read(vault, name(1)))
                .as(file)
                .isInstanceOf(ConflictException.class)
                .hasMessageContaining(message);
        write(file, whole);
    }

    @Test
    void another_key_and_another_owner_are_told_before_anything_is_done() throws IOException {
        write(vault, name(1), 3, 0);
        try (Vault other = vault("another node")) {
            assertThatThrownBy(() -> other.sweep(List.of()))
                    .isInstanceOf(ConflictException.class)
                    .hasMessageContaining("another node");
        }
        Files.writeString(directory.resolve("key"), "ab".repeat(32) + "\n");
        try (Vault wrong = vault("me")) {
            assertThatThrownBy(() -> wrong.read(name(1)))
                    .isInstanceOf(ConflictException.class)
                    .hasMessageContaining("another archive key");
            assertThatThrownBy(() -> wrong.write(name(2))).isInstanceOf(ConflictException.class);
            assertThatThrownBy(() -> wrong.sweep(List.of())).isInstanceOf(ConflictException.class);
        }
        assertThat(files()).hasSize(6);
    }

    @Test
    void a_file_that_is_no_key_is_refused() throws IOException {
        Path file = directory.resolve("other");
        assertThatThrownBy(() -> ArchiveKey.read(file, new SecureRandom())).isInstanceOf(IllegalStateException.class);
        for (String content : List.of("", "secret", "ab".repeat(31), "zz".repeat(32), "ab".repeat(33))) {
            Files.writeString(file, content);
            assertThatThrownBy(() -> ArchiveKey.read(file, new SecureRandom()))
                    .as(content)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("no key");
        }
    }

    @Test
    void what_a_store_fails_of_reaches_the_writer_and_leaves_no_archive() throws IOException {
        write(vault, name(1), 1, 0);
        try (ArchiveWriter writer = vault.write(name(2))) {
            Path contents = directory.resolve("blobs/c");
            Files.move(contents, directory.resolve("away"));
            Files.writeString(contents, "no directory");
            assertThatThrownBy(() -> {
                        for (int i = 0; i < 100; i++) {
                            writer.add(i, content(i, 7));
                        }
                    })
                    .isInstanceOf(UnavailableException.class);
        }
        // Now that nothing is on its way any more, which would make the directory anew.
        Files.delete(directory.resolve("blobs/c"));
        Files.move(directory.resolve("away"), directory.resolve("blobs/c"));
        assertThatThrownBy(() -> vault.read(name(2))).isInstanceOf(ConflictException.class);
    }

    private List<String> files() {
        Path root = directory.resolve("blobs");
        try (Stream<Path> all = Files.walk(root)) {
            return all.filter(Files::isRegularFile).map(f -> root.relativize(f).toString()).sorted().toList();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private byte[] bytes(String file) {
        try {
            return Files.readAllBytes(directory.resolve("blobs").resolve(file));
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private void write(String file, byte[] content) {
        try {
            Files.write(directory.resolve("blobs").resolve(file), content);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private void delete(String file) {
        try {
            Files.delete(directory.resolve("blobs").resolve(file));
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
