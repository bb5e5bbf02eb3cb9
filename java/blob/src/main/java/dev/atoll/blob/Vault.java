package dev.atoll.blob;

import dev.atoll.domain.ConflictException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import javax.crypto.AEADBadTagException;

/**
 * The archives of one node in a blob store, all of it encrypted. Safe from any thread.
 *
 * <pre>
 * store              whose store this is; tells a wrong key and another node's store
 * m/&lt;archive&gt;        manifest: size, seal, names of its lists
 * c/&lt;2&gt;/&lt;64 hex&gt;     content: a part of an image, or a list of up to 16,384 parts
 * </pre>
 *
 * Contents are named by a keyed hash of what they are, so a part that two archives share is stored once,
 * and an archive of a disk that changed little stores little. Nothing is ever changed in place; what no
 * manifest names any more is removed by a {@link Sweep}.
 */
public final class Vault implements AutoCloseable {
    private static final String STORE = "store";
    private static final String MANIFESTS = "m/";
    private static final String CONTENTS = "c/";
    /** Parts in memory at the same time, over all archives; each takes about 4 MiB. */
    private static final int AT_ONCE = 8;

    private final BlobStore store;
    private final ArchiveKey key;
    private final String owner;
    private final Semaphore permits = new Semaphore(AT_ONCE, true);
    private final ExecutorService workers =
            Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("archive-", 0).factory());
    /** Read by who relies on contents to stay that no archive names yet, written by who removes some. */
    private final ReadWriteLock lock = new ReentrantReadWriteLock(true);
    private volatile boolean checked;

    /**
     * Asks nothing of the store yet.
     *
     * @param owner what no other node has: two that shared a store would remove each other's archives
     */
    public Vault(BlobStore store, ArchiveKey key, String owner) {
        this.store = store;
        this.key = key;
        this.owner = owner;
    }

    /**
     * Stores an image; nothing of it counts until {@link ArchiveWriter#finish}.
     *
     * @param archive name of the new archive, {@code [0-9a-f]{32}}
     * @throws ConflictException when the store is another node's or was written with another key
     */
    public ArchiveWriter write(String archive) {
        check();
        return new ArchiveWriter(this, archive);
    }

    /**
     * Needs the archive to be among those that a sweep is named, until it is read.
     *
     * @throws ConflictException when the archive is lost or altered, or the key is not the one it was
     *     stored with
     */
    public ArchiveReader read(String archive) {
        check();
        return new ArchiveReader(this, manifest(archive));
    }

    /**
     * Removes what none of these archives needs. Waits for the archives under way, and those that begin
     * meanwhile wait for it; restores go on.
     *
     * @param archives asked when no archive is under way
     */
    public Sweep.Swept sweep(Iterable<String> archives) {
        check();
        lock.writeLock().lock();
        try {
            return new Sweep(this, archives).run();
        } finally {
            lock.writeLock().unlock();
        }
    }

    /** As {@link #sweep}, unless an archive is under way: then nothing is done, and nobody waits. */
    public Optional<Sweep.Swept> trySweep(Iterable<String> archives) {
        check();
        if (!lock.writeLock().tryLock()) {
            return Optional.empty();
        }
        try {
            return Optional.of(new Sweep(this, archives).run());
        } finally {
            lock.writeLock().unlock();
        }
    }

    /** What an archive's name holds goes; its contents stay until a sweep. Idempotent. */
    public void forget(String archive) {
        store.delete(MANIFESTS + archive);
    }

    BlobStore store() {
        return store;
    }

    ReadWriteLock lock() {
        return lock;
    }

    Semaphore permits() {
        return permits;
    }

    ExecutorService workers() {
        return workers;
    }

    private void check() {
        if (checked) {
            return;
        }
        byte[] expected = owner.getBytes(StandardCharsets.UTF_8);
        var found = store.get(STORE);
        if (found.isEmpty()) {
            store.put(STORE, key.seal(STORE, expected));
            store.flush();
        } else if (!MessageDigest.isEqual(expected, open(STORE, STORE, found.get()))) {
            throw new ConflictException("the blob store belongs to another node; each needs a prefix of its own");
        }
        checked = true;
    }

    /** Stores a content unless it is there, and returns its name and whether it was new. */
    Stored put(String kind, byte[] content) {
        byte[] name = key.name(kind, content);
        String at = contentName(name);
        if (store.has(at)) {
            return new Stored(name, 0);
        }
        return new Stored(name, putSealed(at, content));
    }

    /** @param newBytes stored for it, 0 when it was there */
    record Stored(byte[] name, long newBytes) {}

    /** @param what it is a part of, for errors */
    byte[] get(String kind, byte[] name, String what) {
        String at = contentName(name);
        byte[] sealed = store.get(at)
                .orElseThrow(() -> new ConflictException("the archive " + what + " is damaged: chunk " + at + " is lost"));
        byte[] content = open(at, what, sealed);
        if (!Arrays.equals(name, key.name(kind, content))) {
            throw new ConflictException("the archive " + what + " is damaged: chunk " + at + " is another's");
        }
        return content;
    }

    void putManifest(Manifest manifest) {
        long unused = putSealed(MANIFESTS + manifest.archive(), manifest.bytes());
        store.flush();
    }

    /** Returns the bytes stored. */
    private long putSealed(String at, byte[] content) {
        byte[] sealed = key.seal(at, content);
        if (sealed.length > BlobStore.MOST_BYTES) {
            throw new IllegalArgumentException(at + " would have " + sealed.length + " bytes and could not be read back");
        }
        store.put(at, sealed);
        return sealed.length;
    }

    Manifest manifest(String archive) {
        String at = MANIFESTS + archive;
        byte[] sealed = store.get(at)
                .orElseThrow(() -> new ConflictException("the archive " + archive + " is lost: its manifest is not there"));
        return Manifest.of(archive, open(at, archive, sealed));
    }

    private byte[] open(String at, String what, byte[] sealed) {
        try {
            return key.open(at, sealed);
        } catch (AEADBadTagException e) {
            throw new ConflictException(at.equals(STORE)
                    ? "the blob store was written with another archive key"
                    : "the archive " + what + " is damaged: " + at + " was altered, or stored with another key");
        }
    }

    static String contentName(byte[] name) {
        String hex = Chunk.hex(name);
        return CONTENTS + hex.substring(0, 2) + "/" + hex;
    }

    static String contents() {
        return CONTENTS;
    }

    static String manifests() {
        return MANIFESTS;
    }

    @Override
    public void close() {
        workers.close();
        store.close();
    }
}
