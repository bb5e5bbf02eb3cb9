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
import java.time.InstantSource;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Blobs of registries as files, each complete and with the content that its digest names, or not there.
 * What a broken connection left is gone on with, also by the next engine; what is not what its digest names
 * is removed. A file stays while somebody holds it. Safe from any thread; whoever waits here, for a turn,
 * another's download or the registry, does so no longer than until it is cancelled.
 */
final class BlobFiles {
    private static final Logger LOG = LoggerFactory.getLogger(BlobFiles.class);
    private static final int BUFFER = 256 << 10;
    /** Without a byte of progress. */
    private static final int MOST_FAILURES = 4;

    private static final int MOST_ATTEMPTS = 50;
    /** How often somebody who waits asks whether it is cancelled. */
    private static final long LOOK_MILLIS = 250;
    private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

    private final Path directory;
    private final RegistryHttp http;
    private final InstantSource clock;
    private final Semaphore turns;
    private final Map<Digest, CompletableFuture<Path>> running = new ConcurrentHashMap<>();
    /** How many hold a file; guarded by {@code this}, as is the removal of files that none does. */
    private final Map<Digest, Integer> users = new HashMap<>();

    /** @param directory of its own; is made */
    BlobFiles(Path directory, RegistryHttp http, InstantSource clock, int atOnce) {
        this.directory = directory;
        this.http = http;
        this.clock = clock;
        this.turns = new Semaphore(atOnce, true);
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Files that are there until it is closed, once they were fetched; closed once. */
    final class Hold implements Registries.Held {
        private final Set<Digest> blobs;

        private Hold(Set<Digest> blobs) {
            this.blobs = blobs;
        }

        @Override
        public void close() {
            synchronized (BlobFiles.this) {
                blobs.forEach(blob -> users.computeIfPresent(blob, (digest, count) -> count == 1 ? null : count - 1));
                removeUnused();
            }
        }
    }

    synchronized Hold hold(Collection<Descriptor> blobs) {
        Set<Digest> digests = blobs.stream().map(Descriptor::digest).collect(Collectors.toUnmodifiableSet());
        digests.forEach(digest -> users.merge(digest, 1, Integer::sum));
        return new Hold(digests);
    }

    /**
     * The file of a blob that the caller holds, downloaded when it is not there.
     *
     * @param cancelled asked now and then
     */
    Path fetch(ImageReference image, Descriptor blob, BooleanSupplier cancelled) {
        while (true) {
            refuseIfCancelled(cancelled);
            var mine = new CompletableFuture<Path>();
            CompletableFuture<Path> other = running.putIfAbsent(blob.digest(), mine);
            if (other == null) {
                return fetchAlone(image, blob, cancelled, mine);
            }
            // Another image's download of the same; should it fail, it is our turn to try.
            Optional<Path> done = await(other, cancelled);
            if (done.isPresent()) {
                return done.get();
            }
        }
    }

    /** Empty when it failed. */
    private static Optional<Path> await(CompletableFuture<Path> other, BooleanSupplier cancelled) {
        while (true) {
            try {
                return Optional.of(other.get(LOOK_MILLIS, TimeUnit.MILLISECONDS));
            } catch (ExecutionException e) {
                return Optional.empty();
            } catch (TimeoutException e) {
                refuseIfCancelled(cancelled);
            } catch (InterruptedException e) {
                throw interrupted(e);
            }
        }
    }

    private Path fetchAlone(ImageReference image, Descriptor blob, BooleanSupplier cancelled, CompletableFuture<Path> mine) {
        try {
            takeTurn(cancelled);
            try {
                Path file = download(image, blob, cancelled);
                mine.complete(file);
                return file;
            } finally {
                turns.release();
            }
        } catch (RuntimeException | Error e) {
            mine.completeExceptionally(e);
            throw e;
        } finally {
            running.remove(blob.digest(), mine);
        }
    }

    private void takeTurn(BooleanSupplier cancelled) {
        try {
            while (!turns.tryAcquire(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
                refuseIfCancelled(cancelled);
            }
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private static ImageException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new ImageException(Reason.UNREACHABLE, "interrupted", e);
    }

    private Path download(ImageReference image, Descriptor blob, BooleanSupplier cancelled) {
        Path file = directory.resolve(blob.digest().hex());
        Path part = directory.resolve(blob.digest().hex() + ".part");
        if (Files.exists(file)) {
            return file;
        }
        Pace pace = Pace.ofDownload(clock);
        int failures = 0;
        boolean resumed = false;
        boolean anew = false;
        for (int attempt = 1; ; attempt++) {
            refuseIfCancelled(cancelled);
            long before = size(part);
            resumed |= before > 0;
            try {
                if (before < blob.size() || blob.size() == 0) {
                    receive(image, blob, part, before, pace, cancelled);
                }
                complete(image, blob, part, file);
                return file;
            } catch (ImageException e) {
                boolean progress = size(part) > before;
                failures = progress ? 0 : failures + 1;
                boolean passing = switch (e.reason()) {
                    case CUT, STALLED, UNREACHABLE -> failures < MOST_FAILURES && !pace.isTooSlow();
                    // The part that was there may have been of something else: all of it is had anew, once.
                    case WRONG_DIGEST -> resumed && !anew;
                    default -> false;
                };
                if (e.reason() == Reason.WRONG_DIGEST) {
                    remove(part);
                    anew = true;
                }
                if (!passing || attempt == MOST_ATTEMPTS) {
                    throw e;
                }
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
            throw interrupted(e);
        }
    }

    private static void remove(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
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
    private void receive(
            ImageReference image, Descriptor blob, Path part, long from, Pace pace, BooleanSupplier cancelled) {
        try (Answer answer = http.get(image, "blobs/" + blob.digest(), "*/*", from, pace)) {
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

    /** Also what an earlier engine left and nobody went on with. */
    private void removeUnused() {
        try (Stream<Path> all = Files.list(directory)) {
            for (Path file : all.toList()) {
                String name = file.getFileName().toString().replace(".part", "");
                boolean used = Digest.find("sha256:" + name).map(users::containsKey).orElse(false);
                if (!used) {
                    Files.deleteIfExists(file);
                }
            }
        } catch (IOException e) {
            LOG.warn("blobs could not be removed: {}", e.getMessage());
        }
    }
}
