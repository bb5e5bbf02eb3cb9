package dev.atoll.engine;

import dev.atoll.domain.AtollException;
import dev.atoll.guest.GuestEndpoint;
import dev.atoll.guest.GuestHub;
import dev.atoll.warden.Slot;
import dev.atoll.warden.SlotId;
import dev.atoll.warden.SlotKind;
import dev.atoll.warden.Warden;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes and discards slots: the directory and socket are the engine's, all else is the warden's. */
final class SlotFactory {
    private static final Logger LOG = LoggerFactory.getLogger(SlotFactory.class);

    private final Warden warden;
    private final GuestHub hub;
    private final Path sockets;
    private final MakingGate gate;
    private final RandomGenerator random;
    private final Duration dialTimeout;
    private final Set<SlotId> unclaimed = ConcurrentHashMap.newKeySet();

    /**
     * @param sockets where each slot has its directory; the warden mounts them from there
     * @param dialTimeout how long a guest may take to dial
     */
    SlotFactory(
            Warden warden,
            GuestHub hub,
            Path sockets,
            MakingGate gate,
            RandomGenerator random,
            Duration dialTimeout) {
        this.warden = warden;
        this.hub = hub;
        this.sockets = sockets;
        this.gate = gate;
        this.random = random;
        this.dialTimeout = dialTimeout;
    }

    /**
     * Blocks until the warden has it ready and its guest, where one runs ahead of the claim, has
     * dialled; failures pass through and leave nothing behind.
     */
    PreparedSlot make(SlotKind kind) {
        SlotId id = SlotId.random(random);
        unclaimed.add(id);
        GuestEndpoint endpoint = open(id);
        try {
            Slot made = gate.make(() -> warden.prepareSlot(id, kind));
            if (kind.hasGuestAhead()) {
                endpoint.awaitConnected(dialTimeout);
            }
            return new PreparedSlot(id, kind, endpoint, made.address());
        } catch (RuntimeException e) {
            discard(id, endpoint);
            throw e;
        }
    }

    /** The slot is a sandbox from now on. */
    void claimed(SlotId id) {
        unclaimed.remove(id);
    }

    /** Whether this engine made the slot, or is making it, and neither claimed nor discarded it. */
    boolean isUnclaimed(SlotId id) {
        return unclaimed.contains(id);
    }

    /** Gives a slot up that became no sandbox. What the warden still holds of it is found at the next resynchronisation. */
    void discard(PreparedSlot slot) {
        discard(slot.id(), slot.endpoint());
    }

    private void discard(SlotId id, GuestEndpoint endpoint) {
        drop(id);
        release(id, endpoint);
        unclaimed.remove(id);
    }

    /** Drops a slot whose socket this engine never opened: a leftover of the engine before. */
    void discardLeftover(SlotId id) {
        drop(id);
        removeDirectory(id);
    }

    /** Takes down the socket and directory of a slot whose sandbox is gone. */
    void release(SlotId id, GuestEndpoint endpoint) {
        endpoint.close();
        removeDirectory(id);
    }

    /** Listens where the guest of this slot dials; also again, for a guest that an earlier engine left running. */
    GuestEndpoint open(SlotId id) {
        return hub.open(directory(id));
    }

    /** Removes the directories of slots that are nobody's. */
    void removeDirectoriesExcept(Set<SlotId> used) {
        try (DirectoryStream<Path> found = Files.newDirectoryStream(sockets)) {
            for (Path directory : found) {
                String name = directory.getFileName().toString();
                boolean isSlot = name.length() == 32 && name.chars().allMatch(c -> Character.digit(c, 16) >= 0);
                if (isSlot && !used.contains(new SlotId(name))) {
                    removeDirectory(new SlotId(name));
                }
            }
        } catch (NoSuchFileException e) {
            LOG.debug("{} is made with the first slot", sockets);
        } catch (IOException e) {
            LOG.warn("{} cannot be read: {}", sockets, e.getMessage());
        }
    }

    private Path directory(SlotId id) {
        return sockets.resolve(id.value());
    }

    private void removeDirectory(SlotId id) {
        try {
            Files.deleteIfExists(directory(id).resolve("e"));
            Files.deleteIfExists(directory(id));
        } catch (IOException e) {
            LOG.warn("the directory of slot {} could not be removed: {}", id, e.getMessage());
        }
    }

    private void drop(SlotId id) {
        try {
            warden.dropSlot(id);
        } catch (AtollException e) {
            LOG.warn("slot {} could not be dropped, the next start does it: {}", id, e.getMessage());
        }
    }
}
