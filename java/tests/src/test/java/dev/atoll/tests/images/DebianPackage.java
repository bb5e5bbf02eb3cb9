package dev.atoll.tests.images;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Programs of Debian packages that are unpacked and not installed, so that no service starts. */
final class DebianPackage {
    private static final Path CACHE = Path.of("/var/cache/atoll/test-packages");

    private DebianPackage() {}

    /** A file of a package, fetched with apt at the first use. */
    static synchronized Path file(String name, String path) {
        Path unpacked = CACHE.resolve(name);
        try {
            if (!Files.isDirectory(unpacked)) {
                Files.createDirectories(CACHE);
                Path making = Files.createTempDirectory(CACHE, "making");
                run(making, "apt-get", "-o", "APT::Sandbox::User=root", "download", name);
                try (Stream<Path> files = Files.list(making)) {
                    Path archive = files.findFirst().orElseThrow();
                    run(making, "dpkg-deb", "-x", archive.toString(), making.resolve("root").toString());
                }
                Files.move(making.resolve("root"), unpacked, StandardCopyOption.ATOMIC_MOVE);
                remove(making);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return unpacked.resolve(path);
    }

    private static void run(Path directory, String... command) throws IOException {
        File log = CACHE.resolve("log").toFile();
        Process process = new ProcessBuilder(List.of(command))
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log))
                .start();
        try {
            if (process.waitFor() != 0) {
                throw new AssertionError(String.join(" ", command) + " ended with " + process.exitValue() + "; see " + log);
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static void remove(Path directory) throws IOException {
        try (Stream<Path> below = Files.walk(directory)) {
            for (Path path : below.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
