package dev.atoll.image;

import dev.atoll.domain.BuildTemplate;
import dev.atoll.domain.ContextFile;
import dev.atoll.domain.InvalidFieldException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
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
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarFile;

/**
 * A build's context that came as a tar stream, plain or in gzip, kept in a file until it is closed. Its
 * names are checked as those of all contexts; {@code .dockerignore} takes files out. Contents are read by
 * one thread at a time.
 */
public final class ContextArchive implements AutoCloseable {
    /** What a client calls the Dockerfile that it sends along, wherever it lies; no step sees it. */
    public static final String DOCKERFILE = ".atoll.Dockerfile";

    private static final int LARGEST_TEXT = 1 << 20;
    private static final String FIELD = "context";

    private final Path file;
    private final TarFile tar;
    private final Map<String, ContextFile> all;

    private ContextArchive(Path file, TarFile tar, Map<String, ContextFile> all) {
        this.file = file;
        this.tar = tar;
        this.all = all;
    }

    /**
     * Reads a stream to its end.
     *
     * @param file where its bytes are kept; does not exist yet
     * @param most bytes of the stream uncompressed
     * @throws InvalidFieldException when it is no tar stream, or too large
     */
    public static ContextArchive receive(InputStream stream, Path file, long most) throws IOException {
        try {
            try (OutputStream out = Files.newOutputStream(file)) {
                copy(plain(stream), out, most);
            }
            TarFile tar = open(file);
            try {
                return new ContextArchive(file, tar, read(tar));
            } catch (IOException | RuntimeException e) {
                tar.close();
                throw e;
            }
        } catch (IOException | RuntimeException e) {
            Files.deleteIfExists(file);
            throw e;
        }
    }

    private static TarFile open(Path file) throws IOException {
        try {
            return new TarFile(file);
        } catch (IOException | IllegalArgumentException malformed) {
            throw new InvalidFieldException(FIELD, String.valueOf(malformed.getMessage()), "a tar stream, plain or in gzip");
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

    private static Map<String, ContextFile> read(TarFile tar) throws IOException {
        Map<String, ContextFile> all = new LinkedHashMap<>();
        for (TarArchiveEntry entry : tar.getEntries()) {
            String path = CopySources.normal(entry.getName());
            if (path.isEmpty()) {
                continue;
            }
            InvalidFieldException.requireRange("context.size", all.size() + 1L, 0, BuildTemplate.MOST_FILES);
            Optional<ContextFile> file = file(tar, entry, path, all);
            file.ifPresent(f -> all.put(path, f));
        }
        return all;
    }

    /** Devices and the like are left out. */
    private static Optional<ContextFile> file(TarFile tar, TarArchiveEntry entry, String path, Map<String, ContextFile> before)
            throws IOException {
        int mode = entry.getMode() & 07777;
        if (entry.isDirectory()) {
            return Optional.of(ContextFile.directory(path, mode));
        }
        if (entry.isSymbolicLink()) {
            return Optional.of(ContextFile.link(path, entry.getLinkName()));
        }
        if (entry.isLink()) {
            return Optional.ofNullable(before.get(CopySources.normal(entry.getLinkName())))
                    .map(same -> new ContextFile(path, same.kind(), same.mode(), same.sha256(), same.content()));
        }
        if (!entry.isFile()) {
            return Optional.empty();
        }
        return Optional.of(new ContextFile(
                path, ContextFile.Kind.FILE, mode, sha256(tar.getInputStream(entry)), () -> tar.getInputStream(entry)));
    }

    private static String sha256(InputStream content) throws IOException {
        try (var in = new DigestInputStream(content, MessageDigest.getInstance("SHA-256"))) {
            in.transferTo(OutputStream.nullOutputStream());
            return HexFormat.of().formatHex(in.getMessageDigest().digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /** What the build sees. */
    public List<ContextFile> files() {
        DockerIgnore ignore = text(DockerIgnore.FILE).map(DockerIgnore::parse).orElse(DockerIgnore.NOTHING);
        var files = new ArrayList<ContextFile>();
        all.forEach((path, entry) -> {
            if (!path.equals(DOCKERFILE) && !ignore.excludes(path)) {
                files.add(entry);
            }
        });
        return files;
    }

    /** The text of a file, whether the build sees it or not. */
    public Optional<String> text(String path) {
        ContextFile found = all.get(CopySources.normal(path));
        if (found == null || found.kind() != ContextFile.Kind.FILE) {
            return Optional.empty();
        }
        try (InputStream in = found.content().open()) {
            byte[] bytes = in.readNBytes(LARGEST_TEXT + 1);
            InvalidFieldException.requireRange(path + ".size", bytes.length, 0, LARGEST_TEXT);
            return Optional.of(new String(bytes, StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        try {
            tar.close();
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
