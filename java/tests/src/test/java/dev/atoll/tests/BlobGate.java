package dev.atoll.tests;

import dev.atoll.blob.BlobStore;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * Keeps what is read of a store back for a while, as a slow one does: a restore waits with what it got first, a
 * manifest. Safe from any thread.
 */
public final class BlobGate {
    private final AtomicInteger waiting = new AtomicInteger();
    private volatile CountDownLatch open = new CountDownLatch(0);

    /** The store as it is behind this. */
    public BlobStore before(BlobStore store) {
        return new Gated(store);
    }

    /** From now on who reads a manifest or a content waits for {@link #release}, which closing does, too. */
    public Held hold() {
        open = new CountDownLatch(1);
        return this::release;
    }

    /** What waits while this is open. */
    public interface Held extends AutoCloseable {
        @Override
        void close();
    }

    /** How many wait. */
    public int waiting() {
        return waiting.get();
    }

    public void release() {
        open.countDown();
    }

    private final class Gated implements BlobStore {
        private final BlobStore store;

        Gated(BlobStore store) {
            this.store = store;
        }

        @Override
        public Optional<byte[]> get(String name) {
            Optional<byte[]> found = store.get(name);
            if (name.startsWith("c/") || name.startsWith("m/")) {
                waiting.incrementAndGet();
                try {
                    open.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                } finally {
                    waiting.decrementAndGet();
                }
            }
            return found;
        }

        @Override
        public void put(String name, byte[] content) {
            store.put(name, content);
        }

        @Override
        public boolean has(String name) {
            return store.has(name);
        }

        @Override
        public void delete(String name) {
            store.delete(name);
        }

        @Override
        public void list(String prefix, Consumer<Blob> each) {
            store.list(prefix, each);
        }

        @Override
        public void flush() {
            store.flush();
        }

        @Override
        public void close() {
            store.close();
        }
    }
}
