package dev.atoll.app.cli;

import dev.atoll.app.run.OperatorException;
import dev.atoll.image.DockerIgnore;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Set;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;

/** Sends a build's context: a directory without what its {@code .dockerignore} excludes, as a tar stream. */
final class ContextWriter implements Closeable {
    private final Path directory;
    private final TarArchiveOutputStream tar;
    private final DockerIgnore ignore;

    ContextWriter(Path directory, OutputStream out) throws IOException {
        this.directory = directory;
        tar = new TarArchiveOutputStream(out, "UTF-8");
        tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
        tar.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_POSIX);
        Path file = directory.resolve(DockerIgnore.FILE);
        ignore = Files.exists(file) ? DockerIgnore.parse(Files.readString(file)) : DockerIgnore.NOTHING;
    }

    /** Adds a file under a name. */
    void add(String name, Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new OperatorException(file + " is not a file");
        }
        addFile(name, file);
    }

    void addTree() throws IOException {
        Files.walkFileTree(directory, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path path, BasicFileAttributes attributes) throws IOException {
                String name = directory.relativize(path).toString();
                if (name.isEmpty()) {
                    return FileVisitResult.CONTINUE;
                }
                if (ignore.excludesAllBelow(name)) {
                    return FileVisitResult.SKIP_SUBTREE;
                }
                if (!ignore.excludes(name)) {
                    put(name + "/", path, 0);
                    tar.closeArchiveEntry();
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path path, BasicFileAttributes attributes) throws IOException {
                String name = directory.relativize(path).toString();
                if (ignore.excludes(name)) {
                    return FileVisitResult.CONTINUE;
                }
                if (attributes.isSymbolicLink()) {
                    var entry = new TarArchiveEntry(name, TarConstants.LF_SYMLINK);
                    entry.setLinkName(Files.readSymbolicLink(path).toString());
                    tar.putArchiveEntry(entry);
                    tar.closeArchiveEntry();
                } else if (attributes.isRegularFile()) {
                    addFile(name, path);
                }
                return FileVisitResult.CONTINUE;
            }
        });
    }

    private void addFile(String name, Path path) throws IOException {
        put(name, path, Files.size(path));
        Files.copy(path, tar);
        tar.closeArchiveEntry();
    }

    private void put(String name, Path path, long size) throws IOException {
        var entry = new TarArchiveEntry(name);
        entry.setSize(size);
        entry.setMode(mode(path));
        tar.putArchiveEntry(entry);
    }

    private static int mode(Path path) throws IOException {
        Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(path, LinkOption.NOFOLLOW_LINKS);
        int mode = 0;
        for (PosixFilePermission permission : permissions) {
            mode |= 0400 >> permission.ordinal();
        }
        return mode;
    }

    @Override
    public void close() throws IOException {
        tar.close();
    }
}
