package dev.atoll.blob;

import dev.atoll.domain.UnavailableException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;

/**
 * Stores the parts of one image, several at a time. Holds the vault's lock for reading, so it is closed
 * by the thread that opened it, which is its only one.
 */
public final class ArchiveWriter implements AutoCloseable {
    /** Parts that one list names. */
    private static final int LIST = 16_384;
    /** Parts of one archive on their way. */
    private static final int AHEAD = 8;
    static final String PART = "part";
    static final String PARTS = "parts";

    /** What was stored. @param newBytes that were not there before, as stored */
    public record Summary(long dataBytes, int parts, long newBytes) {}

    private record Putting(int index, Future<Vault.Stored> outcome) {}

    private final Vault vault;
    private final String archive;
    private final Deque<Putting> underWay = new ArrayDeque<>();
    private final List<Chunk> chunks = new ArrayList<>();
    private final List<byte[]> lists = new ArrayList<>();
    private long dataBytes;
    private int parts;
    private long newBytes;
    private boolean closed;

    ArchiveWriter(Vault vault, String archive) {
        this.vault = vault;
        this.archive = archive;
        vault.lock().readLock().lock();
    }

    /**
     * In rising order of the indexes. Waits when too many parts are on their way; what an earlier one
     * failed of is thrown here or by {@link #finish}.
     */
    public void add(int index, byte[] content) {
        if (underWay.size() == AHEAD) {
            take();
        }
        dataBytes += content.length;
        parts++;
        acquire();
        underWay.add(new Putting(index, vault.workers().submit(() -> {
            try {
                return vault.put(PART, content);
            } finally {
                vault.permits().release();
            }
        })));
    }

    private void acquire() {
        try {
            vault.permits().acquire();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UnavailableException("interrupted while an archive was written", e);
        }
    }

    private void take() {
        Putting oldest = underWay.remove();
        Vault.Stored stored = await(oldest.outcome());
        newBytes += stored.newBytes();
        chunks.add(new Chunk(oldest.index(), stored.name()));
        if (chunks.size() == LIST) {
            putList();
        }
    }

    private void putList() {
        Vault.Stored stored = vault.put(PARTS, Manifest.list(chunks));
        newBytes += stored.newBytes();
        lists.add(stored.name());
        chunks.clear();
    }

    static <T> T await(Future<T> outcome) {
        try {
            return outcome.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException failure ? failure : new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UnavailableException("interrupted while an archive was moved", e);
        }
    }

    /**
     * The archive is there, durable, when this returns.
     *
     * @param size of the image
     * @param seal that goes with it
     */
    public Summary finish(long size, byte[] seal) {
        while (!underWay.isEmpty()) {
            take();
        }
        if (!chunks.isEmpty()) {
            putList();
        }
        vault.store().flush();
        vault.putManifest(new Manifest(archive, size, dataBytes, parts, seal, lists));
        return new Summary(dataBytes, parts, newBytes);
    }

    /** Returns when nothing is on its way any more. Idempotent. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        underWay.forEach(putting -> {
            while (!putting.outcome().isDone()) {
                try {
                    var unused = putting.outcome().get();
                } catch (ExecutionException e) {
                    // Whoever closes has a failure of his own or wants none.
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return;
                }
            }
        });
        vault.lock().readLock().unlock();
    }
}
