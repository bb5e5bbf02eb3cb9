package dev.atoll.app.run;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/** Writes small files so that a reader, and a reboot, sees the old or the new content. */
public final class AtomicFile {
    private AtomicFile() {}

    /** @param mode as {@code rw-r--r--}; the file never has another one, not for a moment */
    public static void write(Path file, String content, String mode) {
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        var permissions = PosixFilePermissions.fromString(mode);
        try {
            Files.deleteIfExists(fresh);
            try (var channel = FileChannel.open(
                    fresh, Set.of(CREATE_NEW, WRITE), PosixFilePermissions.asFileAttribute(permissions))) {
                var bytes = ByteBuffer.wrap(content.getBytes(UTF_8));
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                Files.setPosixFilePermissions(fresh, permissions);
                channel.force(true);
            }
            Files.move(fresh, file, ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write " + file, e);
        }
    }
}
