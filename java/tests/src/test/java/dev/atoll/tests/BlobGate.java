package dev.atoll.tests;

import dev.atoll.blob.BlobStore;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;

/** Keeps contents of a store back for a while: a restore under way then waits for them. Safe from any thread. */
public final class BlobGate {
    private volatile CountDownLatch reached = new CountDownLatch(0);
    private volatile CountDownLatch open = new CountDownLatch(0);

    /** The store as it is behind this. */
    public BlobStore before(BlobStore store) {
        return new Gated(store);
    }

    /** From now on who reads a content waits for {@link #release}, which closing does at the latest. */
    public Held hold() {
        reached = new CountDownLatch(1);
        open = new CountDownLatch(1);
        return this::release;
    }

    /** What waits while this is open. */
    public interface Held extends AutoCloseable {
        @Override
        void close();
    }

    /** Returns when somebody waits. */
    public void awaitReader() throws InterruptedException {
        reached.await();
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
            if (name.startsWith("c/")) {
                reached.countDown();
                try {
                    open.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
            return store.get(name);
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
