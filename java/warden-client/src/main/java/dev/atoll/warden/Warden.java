package dev.atoll.warden;

import dev.atoll.domain.CapacityException;
import dev.atoll.domain.ConflictException;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.LayerId;
import dev.atoll.domain.NetworkPolicy;
import dev.atoll.domain.Node;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SnapshotId;
import dev.atoll.domain.UnavailableException;
import dev.atoll.domain.UnsupportedException;
import dev.atoll.domain.VolumeId;
import java.nio.file.Path;
import java.util.List;

/**
 * The warden of this node, the one program that holds privileges. All methods are safe from any
 * thread and block it (virtual threads park) until the warden has answered.
 *
 * <p>Every method may throw {@link UnavailableException} (no answer within its deadline, an I/O
 * error of the host, or busy for longer than a bound) and {@link InvalidFieldException}. When the
 * connection breaks because the warden was restarted, a call is repeated once on a new connection,
 * in a way that never does its work twice. After an UnavailableException it is unknown whether the
 * work was done: ask {@link #listAll}.
 */
public interface Warden extends AutoCloseable {
    /** A client of the warden that listens there; connects with the first call. */
    static Warden at(Path socket) {
        return new SocketWarden(new Connections(socket, Timing.DEFAULT.connect()), Timing.DEFAULT);
    }

    WardenInfo info();

    /** What exists, for reconciliation. */
    Inventory listAll();

    /**
     * Delivers events from now on until the returned handle is closed, over restarts of the warden.
     * Returns at once; the listener is called from a virtual thread of its own.
     */
    Subscription events(WardenListener listener);

    /**
     * Makes a slot. The directory {@code <sockets>/<slot>} with the listening socket {@code e} must
     * be there before.
     *
     * @throws UnsupportedException when this node has not the class, with the reason
     * @throws CapacityException SLOTS when all indexes are in use, POOL when the pool is full
     */
    Slot prepareSlot(SlotId slot, SlotKind kind);

    /** Idempotent. */
    void dropSlot(SlotId slot);

    /**
     * Makes the slot a sandbox and answers when its guest program was executed.
     *
     * @throws CapacityException POOL when the pool is over its admission mark
     * @throws NotFoundException when slot, layer, disk or snapshot is not there
     * @throws ConflictException when the sandbox lives already
     */
    Claimed claim(Claim claim);

    /**
     * Returns when name and record of the sandbox's disk are durable, which {@link #claim} does not
     * wait for. Idempotent.
     *
     * @throws NotFoundException when it has no disk
     */
    void settle(SandboxId sandbox);

    /** Ends everything in the sandbox and releases it; its disk stays, synced. Idempotent. */
    Killed kill(SandboxId sandbox);

    /** Idempotent. @throws NotFoundException when it does not live */
    void freeze(SandboxId sandbox);

    /** Idempotent. @throws NotFoundException when it does not live */
    void thaw(SandboxId sandbox);

    /** @throws NotFoundException when it does not live */
    void setLimits(SandboxId sandbox, Limits limits);

    /**
     * Gives the sandbox this policy and takes its link up. When it returns no packet passes that the
     * policy forbids; connections that it allows have gone on.
     *
     * @throws NotFoundException when it does not live
     */
    void setNetwork(SandboxId sandbox, NetworkPolicy policy);

    /** What the sandbox was denied. @throws NotFoundException when it does not live */
    DenialReport denials(SandboxId sandbox);

    /**
     * Of a live, frozen or stopped sandbox. Durable when it returns.
     *
     * @throws CapacityException POOL when the pool is over its admission mark
     * @throws ConflictException when there is a snapshot of this id
     */
    SnapshotMade snapshot(SandboxId sandbox, SnapshotId snapshot);

    /**
     * As {@link #snapshot}, but a power cut may take it: for disks that are made of it at once and
     * {@linkplain #settle settled} themselves.
     */
    SnapshotMade temporarySnapshot(SandboxId sandbox, SnapshotId snapshot);

    /**
     * Saves memory and disk of a live sandbox of gVisor at the same instant and ends it. On failure it
     * goes on. Its disk stays, too, for a start without memory.
     *
     * @throws UnsupportedException of another class
     */
    MemorySaved hibernate(SandboxId sandbox);

    /**
     * A snapshot with the memory of the same instant; the sandbox goes on. {@link #deleteSnapshot}
     * removes both.
     */
    MemorySaved snapshotMemory(SandboxId sandbox, SnapshotId snapshot);

    /** Of a hibernated sandbox, whose disk stays. Idempotent. */
    void deleteMemory(SandboxId sandbox);

    /** Idempotent. */
    void deleteSnapshot(SnapshotId snapshot);

    /** Idempotent. @throws ConflictException while the sandbox lives */
    void deleteDisk(SandboxId sandbox);

    /** Makes a snapshot's disk a shared layer; returns its allocated bytes. */
    long makeLayer(LayerId layer, SnapshotId source);

    /** Makes a stopped sandbox's disk a shared layer; returns its allocated bytes. */
    long makeLayer(LayerId layer, SandboxId source);

    /** @throws ConflictException while a live sandbox or a disk uses it */
    void deleteLayer(LayerId layer);

    /** To a larger size only. @throws InvalidFieldException when it is smaller than now */
    void resizeDisk(SandboxId sandbox, long bytes);

    /**
     * The disk of a stopped sandbox, which does not start while this is open.
     *
     * @throws NotFoundException when it has none
     * @throws ConflictException while it lives
     */
    ImageReader readImage(SandboxId sandbox);

    /** @throws NotFoundException when there is none */
    ImageReader readImage(SnapshotId snapshot);

    /**
     * A disk for a sandbox that has none, of an image that was read of this node's pool.
     *
     * @throws ConflictException when it has one
     * @throws NotFoundException when a layer is not there
     * @throws CapacityException POOL when the pool is over its admission mark
     */
    ImageWriter writeImage(SandboxId sandbox, long size, List<LayerId> layers);

    /** As {@link #writeImage(SandboxId, long, List)}, for a snapshot. */
    ImageWriter writeImage(SnapshotId snapshot, long size, List<LayerId> layers);

    /**
     * Makes a formatted file system of at least this size and returns its size.
     *
     * @throws ConflictException when there is one of this id
     * @throws CapacityException POOL when the pool is over its admission mark
     */
    long createVolume(VolumeId volume, long bytes);

    /** Idempotent. @throws ConflictException while a live sandbox mounts it */
    void deleteVolume(VolumeId volume);

    /** @param sandboxes empty = all that live; those that do not live are left out of the answer */
    List<SandboxUsage> usage(List<SandboxId> sandboxes);

    Node.Pool pool();

    /**
     * Compares what kernel and pool hold with what the warden accounts for.
     *
     * @param repair remove what belongs to nothing
     * @param strict {@code known} is complete: what it does not name is a leak
     */
    List<Node.Leak> audit(Known known, boolean repair, boolean strict);

    /** Tries what the warden needs of this kernel. */
    List<Node.Check> doctor();

    /** Closes all connections; calls under way end with {@link UnavailableException}. */
    @Override
    void close();

    /** Ends the delivery of events. */
    interface Subscription extends AutoCloseable {
        @Override
        void close();
    }
}
