package dev.atoll.blob;

import java.util.Optional;
import java.util.function.Consumer;

/** A real store with somebody looking: tests override what they watch. */
class WatchedStore implements BlobStore {
    private final BlobStore store;

    WatchedStore(BlobStore store) {
        this.store = store;
    }

    @Override
    public void put(String name, byte[] content) {
        store.put(name, content);
    }

    @Override
    public Optional<byte[]> get(String name) {
        return store.get(name);
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
