package dev.atoll.engine;

import dev.atoll.domain.AtollException;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.NetworkPolicy;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.SnapshotId;
import dev.atoll.domain.VolumeId;
import dev.atoll.guest.GuestEndpoint;
import dev.atoll.store.SandboxRecord;
import dev.atoll.store.SandboxStore;
import dev.atoll.warden.Disk;
import dev.atoll.warden.Inventory;
import dev.atoll.warden.LiveSandbox;
import dev.atoll.warden.Slot;
import dev.atoll.warden.SlotId;
import dev.atoll.warden.Warden;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings the journal and what exists together: once when the engine starts, and again whenever the
 * warden's events may have been missed.
 *
 * <h2>Two passes that differ in one thing</h2>
 * At a start nothing is under way, so whatever is half-made was left by a dead engine and is taken
 * back ({@link #verdict} says what becomes of each). Later, commands run at the same time; then the
 * inventory is read <em>before</em> the tables of what is known, and everything is entered in those
 * tables before it is asked of the warden. So what is in the inventory and not in the tables is
 * certainly nobody's, and what a command is just making is never touched. The state of a sandbox is
 * changed through its mailbox only, where the warden is asked once more.
 *
 * <p>Where journal and kernel differ about RUNNING and PAUSED the kernel is believed: it is the state
 * that the processes inside really are in.
 */
final class Reconciler {
    private static final Logger LOG = LoggerFactory.getLogger(Reconciler.class);
    /** A guest dials again within a second; under load it may take longer. */
    private static final Duration REDIAL_TIMEOUT = Duration.ofSeconds(30);

    /** What is done about a sandbox of the journal at a start. */
    enum Verdict {
        /** It goes on running. */
        ADOPT,
        /** It was being hibernated, and its memory is saved. */
        HIBERNATED,
        /** It was running and is dead; its files are there. */
        STOPPED,
        /** It shall not live and does. */
        KILL,
        /** Its disk is in the blob store, and here too. */
        ARCHIVED,
        /** It was never finished. */
        REMOVE,
        /** Its disk is gone. */
        LOST,
        /** Journal and warden agree. */
        KEEP
    }

    /** What is saved of a sandbox's memory. */
    enum Saved {
        NOTHING,
        MEMORY,
        /** It went on from there: its disk may be newer. */
        USED
    }

    private final Warden warden;
    private final SandboxStore journal;
    private final OwnerTools tools;
    private final SandboxRegistry registry;
    private final SlotFactory slots;
    private final WarmPools warm;
    private final Boot boot;
    private final SnapshotService snapshots;
    private final TemplateCatalog templates;
    private final BuildCache builds;
    private final TransientSandboxes transients;
    private final LayerCare layers;
    private final NodeFacts facts;
    private final Executor virtualThreads;

    Reconciler(
            OwnerTools tools,
            WarmPools warm,
            SnapshotService snapshots,
            TemplateCatalog templates,
            BuildCache builds,
            TransientSandboxes transients,
            LayerCare layers,
            NodeFacts facts) {
        this.tools = tools;
        this.warden = tools.warden();
        this.journal = tools.journal();
        this.registry = tools.registry();
        this.slots = tools.slots();
        this.boot = tools.boot();
        this.virtualThreads = tools.virtualThreads();
        this.warm = warm;
        this.snapshots = snapshots;
        this.templates = templates;
        this.builds = builds;
        this.transients = transients;
        this.layers = layers;
        this.facts = facts;
    }

    static Verdict verdict(SandboxState state, boolean lives, boolean hasDisk, Saved saved) {
        return switch (state) {
            case CREATING -> Verdict.REMOVE;
            case RUNNING, PAUSED -> lives
                    ? Verdict.ADOPT
                    : saved == Saved.MEMORY ? Verdict.HIBERNATED : hasDisk ? Verdict.STOPPED : Verdict.LOST;
            case STOPPED, FAILED -> lives ? Verdict.KILL : hasDisk ? Verdict.KEEP : Verdict.LOST;
            // One that went on without being told who it is starts over from what was saved.
            case HIBERNATED -> lives
                    ? Verdict.KILL
                    : saved != Saved.NOTHING ? Verdict.KEEP : hasDisk ? Verdict.STOPPED : Verdict.LOST;
            // Its disk is in the blob store; one here is what an archive or a restore was cut off at.
            case ARCHIVED -> lives ? Verdict.KILL : hasDisk ? Verdict.ARCHIVED : Verdict.KEEP;
            case DELETED -> Verdict.REMOVE;
        };
    }

    /** The pass at a start, before anything is served. */
    void recover() {
        Inventory found = warden.listAll();
        tools.holds().set(found);
        Map<SandboxId, LiveSandbox> live =
                found.live().stream().collect(Collectors.toMap(LiveSandbox::id, Function.identity()));
        Set<SandboxId> disks = found.disks().stream().map(Disk::id).collect(Collectors.toSet());
        Set<SandboxId> journalled = new HashSet<>();
        tools.archives().recover();
        for (SandboxRecord record : journal.living()) {
            SandboxId id = record.sandbox().id();
            journalled.add(id);
            register(record);
            recover(record, live.get(id), disks.contains(id), savedOf(found, id));
        }
        found.slots().forEach(slot -> slots.discardLeftover(slot.id()));
        Set<SnapshotId> inPool = found.snapshots().stream().map(Disk::id).collect(Collectors.toSet());
        snapshots.recover(inPool);
        tools.volumes().recover(found.volumes().stream().map(Disk::id).collect(Collectors.toSet()));
        builds.recover(inPool);
        templates.reconcile();
        removeUnknown(found, journalled::contains);
        long unused = layers.removeUnused();
        slots.removeDirectoriesExcept(usedSlots());
        LOG.info("{} sandboxes in the journal, {} of them live", registry.all().size(), live.size());
    }

    private static Saved savedOf(Inventory found, SandboxId id) {
        return found.memories().stream()
                .filter(memory -> memory.id().equals(id.value()))
                .map(memory -> memory.used() ? Saved.USED : Saved.MEMORY)
                .findFirst()
                .orElse(Saved.NOTHING);
    }

    private void register(SandboxRecord record) {
        var owner = SandboxOwner.ofJournal(tools, record);
        registry.takeName(owner.project(), record.sandbox().name(), owner.id());
        record.idempotencyKey().ifPresent(key -> registry.takeIdempotencyKey(owner.project(), key, owner));
        registry.add(owner);
    }

    private void recover(SandboxRecord record, @Nullable LiveSandbox live, boolean hasDisk, Saved saved) {
        SandboxOwner owner = registry.find(record.sandbox().id()).orElseThrow();
        Verdict verdict = verdict(owner.state(), live != null, hasDisk, saved);
        if (verdict != Verdict.KEEP) {
            LOG.info("sandbox {} was {}, lives: {}: {}", owner.id(), owner.state(), live != null, verdict);
        }
        switch (verdict) {
            case ADOPT -> {
                if (saved != Saved.NOTHING) {
                    // It went on from there, and nothing of it is waited for any more.
                    warden.deleteMemory(owner.id());
                }
                adopt(owner, live);
            }
            case HIBERNATED -> owner.settle(SandboxState.HIBERNATED, Optional.empty());
            case STOPPED -> owner.settleDead("it ended while the engine was down");
            case KILL -> {
                var unused = warden.kill(owner.id());
                owner.armRules();
            }
            case ARCHIVED -> {
                warden.deleteDisk(owner.id());
                owner.armRules();
            }
            case REMOVE -> owner.delete(Optional.of("its create was never finished"));
            case LOST -> owner.settle(SandboxState.FAILED, Optional.of("its disk is not in the pool"));
            case KEEP -> owner.armRules();
        }
    }

    /** Opens the socket that its guest dials; that it did is waited for off the path. */
    private void adopt(SandboxOwner owner, @Nullable LiveSandbox live) {
        if (live == null) {
            throw new IllegalArgumentException("only what lives is adopted");
        }
        GuestEndpoint endpoint = slots.open(live.slot());
        long generation = owner.view().generation();
        var oom = OomVerdicts.ofAdopted(warden, owner.id());
        owner.adopt(new Occupancy(live.slot(), endpoint, generation, oom), live.frozen());
        NetworkPolicy wanted = owner.view().network();
        if (!live.network().equals(wanted)) {
            // An engine that died in the middle of a change, or a sandbox whose link was never up.
            warden.setNetwork(owner.id(), wanted);
        }
        if (!live.frozen()) {
            virtualThreads.execute(() -> greet(owner, endpoint, live));
        }
    }

    /** A guest that says another generation than the journal was not configured to the end. */
    private void greet(SandboxOwner owner, GuestEndpoint endpoint, LiveSandbox live) {
        try {
            endpoint.awaitConnected(REDIAL_TIMEOUT);
            if (endpoint.generation() != owner.view().generation()) {
                endpoint.configure(boot.configurationOf(
                        owner.view(), tools.secrets().openEnv(owner.record().secretEnv()), live.address()));
            } else if (owner.view().isolation() != Isolation.CONTAINER) {
                // An engine that ended while it saved memory has left the processes stopped for it.
                endpoint.quiesce(true);
            }
        } catch (AtollException e) {
            LOG.warn("the guest of sandbox {} has not dialled again: {}", owner.id(), e.getMessage());
        }
    }

    /** The pass while commands may be under way. */
    void resynchronise() {
        Set<SlotId> warmBefore = warm.ids();
        Inventory found = warden.listAll();
        tools.holds().set(found);
        facts.refresh();
        templates.readImported();
        Set<SlotId> listed = found.slots().stream().map(Slot::id).collect(Collectors.toSet());
        warmBefore.stream().filter(slot -> !listed.contains(slot)).forEach(warm::lost);
        listed.stream().filter(slot -> !slots.isUnclaimed(slot)).forEach(slots::discardLeftover);
        Set<SandboxId> live = found.live().stream().map(LiveSandbox::id).collect(Collectors.toSet());
        for (SandboxOwner owner : registry.all()) {
            boolean shouldLive = owner.state() == SandboxState.RUNNING || owner.state() == SandboxState.PAUSED;
            if (shouldLive && !live.contains(owner.id())) {
                owner.enqueue(new SandboxCommand.GuestEnded("it ended while the warden was away", false));
            }
            if (owner.isDeleted()) {
                owner.enqueue(new SandboxCommand.Delete());
            }
        }
        removeUnknown(found, id -> registry.find(id).isPresent() || transients.projectOf(id).isPresent());
    }

    /** What the inventory holds and no table names. */
    private void removeUnknown(Inventory found, Predicate<SandboxId> known) {
        for (LiveSandbox live : found.live()) {
            if (!known.test(live.id())) {
                LOG.warn("sandbox {} lives and is not in the journal: it is killed", live.id());
                attempt("sandbox", live.id(), () -> warden.kill(live.id()));
            }
        }
        for (Disk<SandboxId> disk : found.disks()) {
            if (!known.test(disk.id())) {
                LOG.warn("the disk of sandbox {} is nobody's: it is removed", disk.id());
                attempt("disk", disk.id(), () -> warden.deleteDisk(disk.id()));
            }
        }
        Set<SnapshotId> knownSnapshots = new HashSet<>(snapshots.known());
        knownSnapshots.addAll(builds.snapshots());
        for (Disk<SnapshotId> disk : found.snapshots()) {
            if (!knownSnapshots.contains(disk.id())) {
                LOG.warn("snapshot {} is nobody's: it is removed", disk.id());
                attempt("snapshot", disk.id(), () -> warden.deleteSnapshot(disk.id()));
            }
        }
        Set<VolumeId> knownVolumes = tools.volumes().known();
        for (Disk<VolumeId> disk : found.volumes()) {
            if (!knownVolumes.contains(disk.id())) {
                LOG.warn("volume {} is nobody's: it is removed", disk.id());
                attempt("volume", disk.id(), () -> warden.deleteVolume(disk.id()));
            }
        }
    }

    private static void attempt(String kind, Object id, Runnable removal) {
        try {
            removal.run();
        } catch (AtollException e) {
            LOG.warn("{} {} could not be removed for now: {}", kind, id, e.getMessage());
        }
    }

    private Set<SlotId> usedSlots() {
        Set<SlotId> used = new HashSet<>();
        registry.all().forEach(owner -> owner.slot().ifPresent(used::add));
        return used;
    }
}
