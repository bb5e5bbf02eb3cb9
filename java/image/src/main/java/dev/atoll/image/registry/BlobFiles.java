package dev.atoll.image.registry;

import dev.atoll.domain.ImageException;
import dev.atoll.domain.ImageException.Reason;
import dev.atoll.image.registry.RegistryHttp.Answer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Blobs of registries as files, each complete and with the content that its digest names, or not there.
 * What a broken connection left is gone on with, also by the next engine. Safe from any thread.
 */
final class BlobFiles {
    private static final Logger LOG = LoggerFactory.getLogger(BlobFiles.class);
    private static final int BUFFER = 256 << 10;
    /** Without a byte of progress. */
    private static final int MOST_FAILURES = 4;

    private static final int MOST_ATTEMPTS = 50;
    private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

    private final Path directory;
    private final RegistryHttp http;
    private final Semaphore turns;
    private final Map<Digest, CompletableFuture<Path>> running = new ConcurrentHashMap<>();

    /** @param directory of its own; is made */
    BlobFiles(Path directory, RegistryHttp http, int atOnce) {
        this.directory = directory;
        this.http = http;
        this.turns = new Semaphore(atOnce, true);
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * The file of a blob, downloaded when it is not there.
     *
     * @param cancelled asked between reads
     */
    Path fetch(ImageReference image, Descriptor blob, BooleanSupplier cancelled) {
        while (true) {
            var mine = new CompletableFuture<Path>();
            CompletableFuture<Path> other = running.putIfAbsent(blob.digest(), mine);
            if (other == null) {
                return fetchAlone(image, blob, cancelled, mine);
            }
            // Another image's download of the same; should it fail, it is our turn to try.
            Path done = other.handle((path, failed) -> path).join();
            if (done != null) {
                return done;
            }
            refuseIfCancelled(cancelled);
        }
    }

    private Path fetchAlone(ImageReference image, Descriptor blob, BooleanSupplier cancelled, CompletableFuture<Path> mine) {
        turns.acquireUninterruptibly();
        try {
            Path file = download(image, blob, cancelled);
            mine.complete(file);
            return file;
        } catch (RuntimeException | Error e) {
            mine.completeExceptionally(e);
            throw e;
        } finally {
            turns.release();
            running.remove(blob.digest(), mine);
        }
    }

    private Path download(ImageReference image, Descriptor blob, BooleanSupplier cancelled) {
        Path file = directory.resolve(blob.digest().hex());
        Path part = directory.resolve(blob.digest().hex() + ".part");
        if (Files.exists(file)) {
            return file;
        }
        int failures = 0;
        boolean resumed = false;
        for (int attempt = 1; ; attempt++) {
            refuseIfCancelled(cancelled);
            long before = size(part);
            resumed |= before > 0;
            try {
                if (before < blob.size() || blob.size() == 0) {
                    receive(image, blob, part, before, cancelled);
                }
                complete(image, blob, part, file);
                return file;
            } catch (ImageException e) {
                boolean progress = size(part) > before;
                failures = progress ? 0 : failures + 1;
                boolean passing = switch (e.reason()) {
                    case CUT, STALLED, UNREACHABLE -> failures < MOST_FAILURES && attempt < MOST_ATTEMPTS;
                    // The part that was there may have been of something else.
                    case WRONG_DIGEST -> resumed;
                    default -> false;
                };
                if (!passing) {
                    throw e;
                }
                resumed &= e.reason() != Reason.WRONG_DIGEST;
                LOG.info("blob {} of image {}: {}; going on at byte {}", blob.digest(), image, e.getMessage(), size(part));
                pause(failures);
            }
        }
    }

    private static void refuseIfCancelled(BooleanSupplier cancelled) {
        if (cancelled.getAsBoolean()) {
            throw new ImageException(Reason.UNREACHABLE, "cancelled");
        }
    }

    private static void pause(int failures) {
        long millis = Math.min(FIRST_PAUSE.toMillis() << Math.min(failures, 10), LONGEST_PAUSE.toMillis());
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ImageException(Reason.UNREACHABLE, "interrupted", e);
        }
    }

    private static long size(Path file) {
        try {
            return Files.exists(file) ? Files.size(file) : 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Appends what comes to the part. */
    private void receive(ImageReference image, Descriptor blob, Path part, long from, BooleanSupplier cancelled) {
        try (Answer answer = http.get(image, "blobs/" + blob.digest(), "*/*", from)) {
            boolean goesOn = answer.status() == 206 && startsAt(answer, from);
            if (answer.status() == 416) {
                Files.deleteIfExists(part);
                throw new ImageException(Reason.CUT, "registry " + image.registry() + " cannot go on in the middle of a blob");
            }
            long have = goesOn ? from : 0;
            var how = goesOn ? StandardOpenOption.APPEND : StandardOpenOption.TRUNCATE_EXISTING;
            try (OutputStream out = Files.newOutputStream(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE, how)) {
                copy(image, blob, answer.body(), out, have, cancelled);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("blob " + blob.digest() + " cannot be kept", e);
        }
    }

    /** {@code bytes 100-199/200} */
    private static boolean startsAt(Answer answer, long from) {
        return answer.header("content-range").map(range -> range.startsWith("bytes " + from + "-")).orElse(false);
    }

    private static void copy(
            ImageReference image, Descriptor blob, InputStream in, OutputStream out, long have, BooleanSupplier cancelled)
            throws IOException {
        byte[] buffer = new byte[BUFFER];
        long total = have;
        while (true) {
            refuseIfCancelled(cancelled);
            int n = read(image, in, buffer);
            if (n < 0) {
                break;
            }
            total += n;
            if (total > blob.size()) {
                throw new ImageException(
                        Reason.WRONG_DIGEST,
                        "registry " + image.registry() + " sends more than the " + blob.size() + " bytes of " + blob.digest());
            }
            out.write(buffer, 0, n);
        }
        if (total < blob.size()) {
            throw new ImageException(
                    Reason.CUT,
                    "the connection to registry " + image.registry() + " ended after " + total + " of " + blob.size() + " bytes of "
                            + blob.digest());
        }
    }

    /** Errors of the connection, told from those of the disk. */
    private static int read(ImageReference image, InputStream in, byte[] buffer) {
        try {
            return in.read(buffer);
        } catch (StallGuard.StalledException e) {
            throw new ImageException(Reason.STALLED, "registry " + image.registry() + " stalls: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new ImageException(
                    Reason.CUT, "the connection to registry " + image.registry() + " broke: " + RegistryHttp.reason(e), e);
        }
    }

    private static void complete(ImageReference image, Descriptor blob, Path part, Path file) {
        try {
            Digest found = digest(part);
            if (!found.equals(blob.digest())) {
                Files.deleteIfExists(part);
                throw new ImageException(
                        Reason.WRONG_DIGEST,
                        "registry " + image.registry() + " sent as layer " + blob.digest() + " of image " + image + " what is " + found);
            }
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException("blob " + blob.digest() + " cannot be kept", e);
        }
    }

    private static Digest digest(Path file) throws IOException {
        MessageDigest digest = Digest.sha256();
        byte[] buffer = new byte[BUFFER];
        try (InputStream in = Files.newInputStream(file)) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                digest.update(buffer, 0, n);
            }
        }
        return Digest.end(digest);
    }

    /** Removes what nobody is downloading; returns its bytes. */
    long removeUnused() {
        long freed = 0;
        try (Stream<Path> all = Files.list(directory)) {
            for (Path file : all.toList()) {
                String name = file.getFileName().toString().replace(".part", "");
                boolean used = Digest.find("sha256:" + name).map(running::containsKey).orElse(false);
                if (!used) {
                    freed += Files.size(file);
                    Files.deleteIfExists(file);
                }
            }
        } catch (IOException e) {
            LOG.warn("blobs could not be removed: {}", e.getMessage());
        }
        return freed;
    }
}
