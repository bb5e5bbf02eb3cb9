package dev.atoll.blob;

import dev.atoll.domain.UnavailableException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * Blobs as files below a directory, which may be a mount of another machine's. A file is written under
 * {@code tmp/}, synced and renamed, so a crash leaves at most a file there; the next start removes it.
 */
public final class DirectoryBlobStore implements BlobStore {
    private static final String TMP = "tmp";

    private final Path root;
    private final AtomicLong next = new AtomicLong();
    /** Directories with entries that may not be durable yet. */
    private final Set<Path> changed = ConcurrentHashMap.newKeySet();

    private DirectoryBlobStore(Path root) {
        this.root = root;
    }

    /** One process at a time; makes the directory when it is missing. */
    public static DirectoryBlobStore open(Path root) {
        try {
            Path tmp = Files.createDirectories(root.resolve(TMP));
            try (var leftovers = Files.list(tmp)) {
                for (Path leftover : leftovers.toList()) {
                    Files.deleteIfExists(leftover);
                }
            }
            return new DirectoryBlobStore(root);
        } catch (IOException e) {
            throw failed("opened", root, e);
        }
    }

    @Override
    public void put(String name, byte[] content) {
        Path target = root.resolve(name);
        Path made = root.resolve(TMP).resolve(Long.toString(next.getAndIncrement()));
        try {
            write(made, content);
            try {
                Files.move(made, target, StandardCopyOption.ATOMIC_MOVE);
            } catch (NoSuchFileException e) {
                makeDirectories(name);
                Files.move(made, target, StandardCopyOption.ATOMIC_MOVE);
            }
            changed.add(directory(name));
        } catch (IOException e) {
            try {
                Files.deleteIfExists(made);
            } catch (IOException after) {
                e.addSuppressed(after);
            }
            throw failed("written", target, e);
        }
    }

    private static void write(Path file, byte[] content) throws IOException {
        var options = EnumSet.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        try (FileChannel channel = FileChannel.open(file, options)) {
            ByteBuffer left = ByteBuffer.wrap(content);
            while (left.hasRemaining()) {
                channel.write(left);
            }
            channel.force(true);
        }
    }

    /** Where the entry of a name is. */
    private Path directory(String name) {
        return root.resolve(name.substring(0, Math.max(name.lastIndexOf('/'), 0)));
    }

    private void makeDirectories(String name) throws IOException {
        Files.createDirectories(directory(name));
        for (int slash = name.indexOf('/'); slash >= 0; slash = name.indexOf('/', slash + 1)) {
            changed.add(directory(name.substring(0, slash)));
        }
    }

    @Override
    public Optional<byte[]> get(String name) {
        Path file = root.resolve(name);
        try (InputStream in = Files.newInputStream(file)) {
            return Optional.of(BlobStore.requireBounded(name, in.readNBytes(MOST_BYTES + 1)));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw failed("read", file, e);
        }
    }

    @Override
    public boolean has(String name) {
        return Files.exists(root.resolve(name));
    }

    @Override
    public void delete(String name) {
        Path file = root.resolve(name);
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw failed("deleted", file, e);
        }
    }

    @Override
    public void list(String prefix, Consumer<Blob> each) {
        // The part before the last slash is a directory.
        Path start = root.resolve(prefix.substring(0, prefix.lastIndexOf('/') + 1));
        if (!Files.exists(start)) {
            return;
        }
        try {
            Files.walkFileTree(start, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes) {
                    boolean skip = directory.equals(root.resolve(TMP));
                    return skip ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                    String name = root.relativize(file).toString();
                    if (name.startsWith(prefix)) {
                        each.accept(new Blob(name, attributes.size()));
                    }
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFileFailed(Path file, IOException failure) throws IOException {
                    if (failure instanceof NoSuchFileException) {
                        // Deleted meanwhile.
                        return FileVisitResult.CONTINUE;
                    }
                    throw failure;
                }
            });
        } catch (IOException e) {
            throw failed("listed", start, e);
        }
    }

    /** One at a time: a second must not return while the first still syncs what was put before both. */
    @Override
    public synchronized void flush() {
        for (Path directory : Set.copyOf(changed)) {
            // Before the sync: what is put meanwhile counts again.
            changed.remove(directory);
            try (FileChannel channel = FileChannel.open(directory)) {
                channel.force(true);
            } catch (IOException e) {
                changed.add(directory);
                throw failed("synced", directory, e);
            }
        }
    }

    @Override
    public void close() {}

    private static UnavailableException failed(String what, Path path, IOException cause) {
        return new UnavailableException("the blob store failed: " + path + " could not be " + what + ": " + cause, cause);
    }
}
