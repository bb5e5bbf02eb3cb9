package dev.atoll.image;

import dev.atoll.domain.BuildTemplate;
import dev.atoll.domain.ContextFile;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.image.TarEntries.Entry;
import dev.atoll.image.TarEntries.Kind;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongConsumer;
import java.util.zip.GZIPInputStream;

/**
 * A build's context that came as a tar stream, plain or in gzip, kept in a file until it is closed. Its
 * names are checked as those of all contexts; {@code .dockerignore} takes files out. Safe from any thread.
 */
public final class ContextArchive implements AutoCloseable {
    /** What a client calls the Dockerfile that it sends along, wherever it lies; no step sees it. */
    public static final String DOCKERFILE = ".atoll.Dockerfile";

    private static final int LARGEST_TEXT = 1 << 20;
    private static final int LARGEST_IGNORE = 64 << 10;
    /** Characters of all paths and targets of links together. */
    private static final int MOST_NAMES = 16 << 20;
    /** What an entry takes of memory besides its names. */
    private static final int ENTRY_BYTES = 400;

    private static final String FIELD = "context";

    private final Path file;
    private final FileChannel channel;
    private final Map<String, ContextFile> all;

    private ContextArchive(Path file, FileChannel channel, Map<String, ContextFile> all) {
        this.file = file;
        this.channel = channel;
        this.all = all;
    }

    /**
     * Reads a stream to its end.
     *
     * @param file where its bytes are kept; does not exist yet
     * @param most bytes of the stream uncompressed
     * @param memory is told of each entry how many bytes of memory it takes until the archive is closed; may
     *     refuse by an exception
     * @throws InvalidFieldException when it is no tar stream, has sparse entries, or is too large
     */
    public static ContextArchive receive(InputStream stream, Path file, long most, LongConsumer memory) throws IOException {
        try {
            try (OutputStream out = Files.newOutputStream(file)) {
                copy(plain(stream), out, most);
            }
            FileChannel channel = FileChannel.open(file);
            try {
                return new ContextArchive(file, channel, read(channel, memory));
            } catch (IOException | RuntimeException | Error e) {
                channel.close();
                throw e;
            }
        } catch (IOException | RuntimeException | Error e) {
            Files.deleteIfExists(file);
            throw e;
        }
    }

    private static InputStream plain(InputStream stream) throws IOException {
        var buffered = new BufferedInputStream(stream);
        buffered.mark(2);
        byte[] head = buffered.readNBytes(2);
        buffered.reset();
        boolean gzip = head.length == 2 && (head[0] & 0xff) == 0x1f && (head[1] & 0xff) == 0x8b;
        return gzip ? new GZIPInputStream(buffered) : buffered;
    }

    private static void copy(InputStream in, OutputStream out, long most) throws IOException {
        byte[] buffer = new byte[64 << 10];
        long total = 0;
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
            total += n;
            if (total > most) {
                throw new InvalidFieldException(FIELD, "more than " + most + " bytes", "at most " + most + " bytes");
            }
            out.write(buffer, 0, n);
        }
    }

    private static Map<String, ContextFile> read(FileChannel channel, LongConsumer memory) throws IOException {
        Map<String, ContextFile> all = new LinkedHashMap<>();
        var entries = new TarEntries(channel, FIELD);
        long names = 0;
        for (Optional<Entry> next = entries.next(); next.isPresent(); next = entries.next()) {
            Entry entry = next.get();
            String path = CopySources.normal(entry.name());
            if (path.isEmpty()) {
                continue;
            }
            InvalidFieldException.requireRange("context.size", all.size() + 1L, 0, BuildTemplate.MOST_FILES);
            int length = path.length() + (entry.kind() == Kind.SYMBOLIC_LINK ? entry.link().length() : 0);
            names += length;
            if (names > MOST_NAMES) {
                throw new InvalidFieldException(
                        FIELD, "paths of more than " + MOST_NAMES + " characters together", "at most " + MOST_NAMES + " characters");
            }
            memory.accept(ENTRY_BYTES + 2L * length);
            file(channel, entry, path, all).ifPresent(f -> all.put(path, f));
        }
        return all;
    }

    /** Devices and the like are left out. */
    private static Optional<ContextFile> file(FileChannel channel, Entry entry, String path, Map<String, ContextFile> before)
            throws IOException {
        return switch (entry.kind()) {
            case DIRECTORY -> Optional.of(ContextFile.directory(path, entry.mode()));
            case SYMBOLIC_LINK -> Optional.of(ContextFile.link(path, entry.link()));
            case HARD_LINK -> Optional.ofNullable(before.get(CopySources.normal(entry.link())))
                    .map(same -> new ContextFile(path, same.kind(), same.mode(), same.sha256(), same.content()));
            case FILE -> Optional.of(file(channel, entry.mode(), path, entry.offset(), entry.size()));
            case OTHER -> Optional.empty();
        };
    }

    private static ContextFile file(FileChannel channel, int mode, String path, long offset, long size) throws IOException {
        return new ContextFile(
                path, ContextFile.Kind.FILE, mode, sha256(new Content(channel, offset, size)), () -> new Content(channel, offset, size));
    }

    /** A part of the file. */
    private static final class Content extends InputStream {
        private final FileChannel channel;
        private final long end;
        private long position;

        Content(FileChannel channel, long offset, long size) {
            this.channel = channel;
            this.position = offset;
            this.end = offset + size;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            if (length == 0) {
                return 0;
            }
            int most = (int) Math.min(length, end - position);
            int n = most == 0 ? -1 : channel.read(ByteBuffer.wrap(into, offset, most), position);
            position += Math.max(n, 0);
            return n;
        }
    }

    private static String sha256(InputStream content) throws IOException {
        try (var in = new DigestInputStream(content, MessageDigest.getInstance("SHA-256"))) {
            in.transferTo(OutputStream.nullOutputStream());
            return HexFormat.of().formatHex(in.getMessageDigest().digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /**
     * What the build sees.
     *
     * @throws InvalidFieldException when the patterns of its {@code .dockerignore} are too large or too much work
     */
    public List<ContextFile> files() {
        DockerIgnore ignore = text(DockerIgnore.FILE, LARGEST_IGNORE).map(DockerIgnore::parse).orElse(DockerIgnore.NOTHING);
        var effort = new Effort(DockerIgnore.FILE);
        var files = new ArrayList<ContextFile>();
        all.forEach((path, entry) -> {
            if (!path.equals(DOCKERFILE) && !ignore.excludes(path, effort)) {
                files.add(entry);
            }
        });
        return files;
    }

    /** The text of a file, whether the build sees it or not. */
    public Optional<String> text(String path) {
        return text(path, LARGEST_TEXT);
    }

    private Optional<String> text(String path, int largest) {
        ContextFile found = all.get(CopySources.normal(path));
        if (found == null || found.kind() != ContextFile.Kind.FILE) {
            return Optional.empty();
        }
        try (InputStream in = found.content().open()) {
            byte[] bytes = in.readNBytes(largest + 1);
            InvalidFieldException.requireRange(path + ".size", bytes.length, 0, largest);
            return Optional.of(new String(bytes, StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
