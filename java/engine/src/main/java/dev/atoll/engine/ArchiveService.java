package dev.atoll.engine;

import dev.atoll.blob.ArchiveReader;
import dev.atoll.blob.ArchiveWriter;
import dev.atoll.blob.Sweep;
import dev.atoll.blob.Vault;
import dev.atoll.domain.ConflictException;
import dev.atoll.domain.LayerId;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SnapshotId;
import dev.atoll.domain.UnsupportedException;
import dev.atoll.store.ArchiveRecord;
import dev.atoll.store.ArchiveStore;
import dev.atoll.store.MakeState;
import dev.atoll.warden.ImagePart;
import dev.atoll.warden.ImageReader;
import dev.atoll.warden.ImageWriter;
import dev.atoll.warden.Warden;
import java.time.Clock;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Moves disks between pool and blob store. The engine reads no disk itself: the warden streams its parts,
 * of which a few MiB at a time are in memory. Safe from any thread; who moves a disk sees to it that
 * nobody else does, and that its archives are not forgotten meanwhile: a sweep would take them.
 *
 * <p>An archive counts from the moment its row says READY. The one of a sandbox that was restored is kept
 * until the next, so that this stores only what changed.
 */
final class ArchiveService {
    private static final Logger LOG = LoggerFactory.getLogger(ArchiveService.class);

    private final Optional<Vault> vault;
    private final ArchiveStore store;
    private final Warden warden;
    private final Ids ids;
    private final Clock clock;

    /** @param vault empty = nothing can be archived here */
    ArchiveService(Optional<Vault> vault, ArchiveStore store, Warden warden, Ids ids, Clock clock) {
        this.vault = vault;
        this.store = store;
        this.warden = warden;
        this.ids = ids;
        this.clock = clock;
    }

    boolean isAvailable() {
        return vault.isPresent();
    }

    /** @throws UnsupportedException when this node has no blob store */
    private Vault require() {
        return vault.orElseThrow(
                () -> new UnsupportedException("nothing can be archived here: no blob store is configured (archive.store)"));
    }

    /**
     * Stores the disk of a stopped sandbox. Durable when it returns; the disk stays.
     *
     * @param abandoned asked between the parts: whether nobody wants it any more
     */
    ArchiveRecord archive(SandboxId sandbox, BooleanSupplier abandoned) {
        return archive(sandbox.value(), () -> warden.readImage(sandbox), wanted("sandbox", sandbox.value(), abandoned));
    }

    /** As {@link #archive(SandboxId, BooleanSupplier)}. */
    ArchiveRecord archive(SnapshotId snapshot, BooleanSupplier abandoned) {
        return archive(
                snapshot.value(), () -> warden.readImage(snapshot), wanted("snapshot", snapshot.value(), abandoned));
    }

    /** Throws when nobody wants it any more. */
    private static Runnable wanted(String kind, String id, BooleanSupplier abandoned) {
        return () -> {
            if (abandoned.getAsBoolean()) {
                throw new NotFoundException(kind, id);
            }
        };
    }

    /** @param check throws when nobody wants it any more */
    private ArchiveRecord archive(String subject, Supplier<ImageReader> source, Runnable check) {
        Vault into = require();
        String id = ids.next();
        var making = new ArchiveRecord(id, subject, 0, 0, 0, clock.instant(), MakeState.MAKING);
        store.insert(making);
        try (ImageReader image = source.get();
                ArchiveWriter archive = into.write(id)) {
            for (Optional<ImagePart> part = image.next(); part.isPresent(); part = image.next()) {
                check.run();
                archive.add(part.get().index(), part.get().content());
            }
            var stored = archive.finish(image.size(), image.seal());
            var ready = new ArchiveRecord(
                    id, subject, image.size(), stored.dataBytes(), stored.newBytes(), making.createdAt(), MakeState.READY);
            store.update(ready);
            LOG.info("the disk of {} is stored as archive {}: {} MiB, {} of them new", subject, id,
                    stored.dataBytes() >> 20, stored.newBytes() >> 20);
            return ready;
        } catch (RuntimeException e) {
            drop(making);
            throw e;
        }
    }

    /**
     * Makes the disk of its newest archive. Durable when it returns; without it there is no disk.
     *
     * @throws ConflictException when the archive is lost or altered
     */
    void restore(SandboxId sandbox, List<LayerId> layers, BooleanSupplier abandoned) {
        ArchiveReader archive = newest(sandbox.value());
        // What an archive or a restore that was cut off left is the same, or less.
        warden.deleteDisk(sandbox);
        restore(
                archive,
                warden.writeImage(sandbox, archive.size(), layers),
                wanted("sandbox", sandbox.value(), abandoned));
        LOG.info("the disk of sandbox {} is restored", sandbox);
    }

    /** As {@link #restore(SandboxId, List, BooleanSupplier)}. */
    void restore(SnapshotId snapshot, List<LayerId> layers, BooleanSupplier abandoned) {
        ArchiveReader archive = newest(snapshot.value());
        warden.deleteSnapshot(snapshot);
        restore(
                archive,
                warden.writeImage(snapshot, archive.size(), layers),
                wanted("snapshot", snapshot.value(), abandoned));
        LOG.info("the disk of snapshot {} is restored", snapshot);
    }

    private ArchiveReader newest(String subject) {
        Vault from = require();
        ArchiveRecord newest = store.of(subject).stream()
                .filter(record -> record.state() == MakeState.READY)
                .reduce((earlier, later) -> later)
                .orElseThrow(() -> new ConflictException(subject + " has no archive"));
        return from.read(newest.id());
    }

    private static void restore(ArchiveReader archive, ImageWriter into, Runnable check) {
        try (into) {
            archive.each((index, content) -> {
                check.run();
                into.write(new ImagePart(index, content));
            });
            into.commit(archive.seal());
        }
    }

    /** Those of its subject but this one are of no use any more. */
    void keepOnly(ArchiveRecord kept) {
        store.of(kept.subject()).stream().filter(record -> !record.id().equals(kept.id())).forEach(this::drop);
    }

    /** Of a sandbox that is deleted; the space is free after the next {@link #sweep}. */
    void forget(SandboxId sandbox) {
        store.of(sandbox.value()).forEach(this::drop);
    }

    /** Likewise. */
    void forget(SnapshotId snapshot) {
        store.of(snapshot.value()).forEach(this::drop);
    }

    private void drop(ArchiveRecord record) {
        try {
            // The row first: what no row names is swept, and a row that names nothing breaks every sweep.
            store.delete(record.id());
            vault.ifPresent(v -> v.forget(record.id()));
        } catch (RuntimeException e) {
            LOG.warn("archive {} could not be removed for now: {}", record.id(), e.getMessage());
        }
    }

    /** At a start: what was being made is not. */
    void recover() {
        store.all().stream().filter(record -> record.state() != MakeState.READY).forEach(record -> store.delete(record.id()));
    }

    /** Removes what no archive needs, once none is under way; returns the bytes freed in the blob store. */
    long sweep() {
        return vault.map(v -> told(v.sweep(this::ready))).orElse(0L);
    }

    /** As {@link #sweep}, but while an archive is under way it is left to the next time. */
    void trySweep() {
        vault.flatMap(v -> v.trySweep(this::ready)).ifPresent(ArchiveService::told);
    }

    private Iterator<String> ready() {
        return store.all().stream()
                .filter(record -> record.state() == MakeState.READY)
                .map(ArchiveRecord::id)
                .iterator();
    }

    /** Returns the bytes. */
    private static long told(Sweep.Swept swept) {
        if (swept.blobs() > 0) {
            LOG.info("{} blobs of {} MiB were of no use any more", swept.blobs(), swept.bytes() >> 20);
        }
        return swept.bytes();
    }
}
