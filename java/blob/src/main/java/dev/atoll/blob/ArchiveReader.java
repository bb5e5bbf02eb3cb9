package dev.atoll.blob;

import dev.atoll.domain.ConflictException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Future;

/** Brings the parts of one image back, each checked; several are fetched ahead. One thread. */
public final class ArchiveReader {
    /** Parts of one archive on their way. */
    private static final int AHEAD = 8;

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
        vault.lock().readLock().lock();
        Deque<Getting> underWay = new ArrayDeque<>();
        try {
            for (byte[] list : manifest.lists()) {
                for (Chunk chunk : Manifest.chunks(vault.get(ArchiveWriter.PARTS, list, manifest.archive()))) {
                    if (underWay.size() == AHEAD) {
                        give(underWay.remove(), sink);
                    }
                    underWay.add(get(chunk));
                }
            }
            while (!underWay.isEmpty()) {
                give(underWay.remove(), sink);
            }
        } finally {
            underWay.forEach(getting -> getting.content().cancel(true));
            vault.lock().readLock().unlock();
        }
    }

    private Getting get(Chunk chunk) {
        return new Getting(chunk.index(), vault.workers().submit(() -> {
            vault.permits().acquire();
            try {
                return vault.get(ArchiveWriter.PART, chunk.name(), manifest.archive());
            } finally {
                vault.permits().release();
            }
        }));
    }

    private static void give(Getting getting, Sink sink) {
        sink.part(getting.index(), ArchiveWriter.await(getting.content()));
    }
}
