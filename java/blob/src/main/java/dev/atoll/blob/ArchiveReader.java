package dev.atoll.blob;

import dev.atoll.domain.ConflictException;
import dev.atoll.domain.UnavailableException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Brings the parts of one image back, each checked; several are fetched ahead. One thread.
 *
 * <p>Takes no part in the vault's lock: a sweep spares what it is named, so who reads an archive has it
 * named until the end, and neither waits for the other.
 */
public final class ArchiveReader {
    /** Takes the parts in rising order. */
    @FunctionalInterface
    public interface Sink {
        void part(int index, byte[] content);
    }

    private record Getting(int index, Future<byte[]> content) {}

    private final Vault vault;
    private final Manifest manifest;

    ArchiveReader(Vault vault, Manifest manifest) {
        this.vault = vault;
        this.manifest = manifest;
    }

    /** Bytes of the image. */
    public long size() {
        return manifest.size();
    }

    /** What {@link ArchiveWriter#finish} was given. */
    public byte[] seal() {
        return manifest.seal().clone();
    }

    /**
     * Fetches everything.
     *
     * @throws ConflictException at the first part that is lost or altered
     */
    public void each(Sink sink) {
        try (var parts = new Parts(sink)) {
            for (byte[] list : manifest.lists()) {
                for (Chunk chunk : Manifest.chunks(vault.get(ArchiveWriter.PARTS, list, manifest.archive()))) {
                    parts.fetch(chunk);
                }
            }
            parts.giveAll();
        }
    }

    /**
     * Parts on their way or waiting for the sink. Each holds one of the vault's permits until the sink had it,
     * so that all restores together hold no more of them in memory than there are permits.
     */
    private final class Parts implements AutoCloseable {
        private final Sink sink;
        private final Semaphore permits = vault.permits();
        private final Deque<Getting> underWay = new ArrayDeque<>();
        private final ExecutorService workers =
                Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("restore-", 0).factory());

        Parts(Sink sink) {
            this.sink = sink;
        }

        void fetch(Chunk chunk) {
            acquire();
            underWay.add(new Getting(
                    chunk.index(),
                    workers.submit(() -> vault.get(ArchiveWriter.PART, chunk.name(), manifest.archive()))));
        }

        /** Waits only with empty hands: two that waited while they hold parts would wait for each other. */
        private void acquire() {
            try {
                // Timed, as only that lets those go first who wait already.
                while (!permits.tryAcquire(0, TimeUnit.SECONDS)) {
                    if (underWay.isEmpty()) {
                        permits.acquire();
                        return;
                    }
                    give();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new UnavailableException("interrupted while an archive was read", e);
            }
        }

        void giveAll() {
            while (!underWay.isEmpty()) {
                give();
            }
        }

        private void give() {
            // Stays in the queue, so that what fails here is released with the others.
            Getting oldest = underWay.element();
            sink.part(oldest.index(), ArchiveWriter.await(oldest.content()));
            underWay.remove();
            permits.release();
        }

        /** Returns when nothing is on its way any more. */
        @Override
        public void close() {
            workers.shutdownNow();
            workers.close();
            permits.release(underWay.size());
            underWay.clear();
        }
    }
}
