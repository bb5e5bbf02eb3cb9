package dev.atoll.app.observe;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * A file that is only appended to, mode 0600. When it would grow over its bound it becomes {@code NAME.1},
 * that one {@code NAME.2}, and so on; the oldest is deleted. For one thread.
 */
public final class RotatingFile implements AutoCloseable {
    private static final Set<StandardOpenOption> APPEND =
            Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND);

    private final Path path;
    private final long maxBytes;
    private final int keep;
    private FileChannel channel;

    private RotatingFile(Path path, long maxBytes, int keep, FileChannel channel) {
        this.path = path;
        this.maxBytes = maxBytes;
        this.keep = keep;
        this.channel = channel;
    }

    /**
     * Goes on where an earlier one ended.
     *
     * @param maxBytes of one file
     * @param keep how many older ones there are at most, 0 to 1,000
     */
    public static RotatingFile open(Path path, long maxBytes, int keep) throws IOException {
        return new RotatingFile(path, maxBytes, keep, channel(path));
    }

    private static FileChannel channel(Path path) throws IOException {
        return FileChannel.open(path, APPEND, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    }

    /** In one write, so that another reader of the file sees whole lines. */
    void append(String line) throws IOException {
        ByteBuffer bytes = StandardCharsets.UTF_8.encode(line);
        if (!channel.isOpen()) {
            // The last rotation failed half-way.
            channel = channel(path);
        }
        if (channel.size() > 0 && channel.size() + bytes.remaining() > maxBytes) {
            rotate();
        }
        long before = channel.size();
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            // Half a line would spoil the next one, too.
            channel.truncate(before);
            throw e;
        }
    }

    private void rotate() throws IOException {
        channel.close();
        Files.deleteIfExists(keep == 0 ? path : older(keep));
        for (int i = keep - 1; i >= 0; i--) {
            Path from = i == 0 ? path : older(i);
            if (Files.exists(from)) {
                Files.move(from, older(i + 1), StandardCopyOption.ATOMIC_MOVE);
            }
        }
        channel = channel(path);
    }

    private Path older(int number) {
        return path.resolveSibling(path.getFileName() + "." + number);
    }

    @Override
    public void close() throws IOException {
        channel.force(true);
        channel.close();
    }
}
