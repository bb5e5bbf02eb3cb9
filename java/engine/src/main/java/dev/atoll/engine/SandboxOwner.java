package dev.atoll.engine;

import dev.atoll.domain.ActivityKind;
import dev.atoll.domain.AtollException;
import dev.atoll.domain.Entrypoint;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.LifecycleRule;
import dev.atoll.domain.NetworkPolicy;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.Operation;
import dev.atoll.domain.Outcome;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxChange;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.UnavailableException;
import dev.atoll.domain.UnsupportedException;
import dev.atoll.domain.WrongStateException;
import dev.atoll.guest.GuestEndpoint;
import dev.atoll.store.ArchiveRecord;
import dev.atoll.store.Counters;
import dev.atoll.store.SandboxRecord;
import dev.atoll.warden.DiskSource;
import dev.atoll.warden.Killed;
import dev.atoll.warden.MemorySaved;
import dev.atoll.warden.SlotId;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one owner of a sandbox: nothing else changes its state.
 *
 * <h2>Why one owner</h2>
 * A sandbox is changed by callers, by rules, by the warden's events and by a start of the engine, and
 * each change has several steps in three programs. With locks every pair of them would have to be
 * thought through. Here commands go through a mailbox and run one at a time; a command that finds
 * another state than it wants is refused by its own declaration ({@link SandboxCommand#legalIn}), so
 * "start while it is stopping" needs no code: it waits its turn and finds STOPPED. Readers and the
 * calls into the guest do not queue; they look at two volatile fields, the record and the occupancy.
 *
 * <h2>The order of steps</h2>
 * The journal row is the truth about what is wanted, the warden about what exists, and the program may
 * end between any two steps. So each command moves in the direction in which a leftover is harmless:
 * <ul>
 *   <li>A create and a start write RUNNING last. Before that there is no row (what lives is killed and its
 *       disk removed) or it says STOPPED (what lives is killed, the disk stays).
 *   <li>A stop kills first and writes STOPPED after: a row that says RUNNING of a dead sandbox is put
 *       right by the same code that handles a sandbox which killed itself.
 *   <li>A delete writes DELETED first, which frees the name; from then on whatever the warden still has
 *       of it belongs to nobody and is removed, by this command or by the next start.
 * </ul>
 * A create has one commit, after the claim and beside the guest's configuration. That is legal because
 * the claim is never irrevocable: a live sandbox of which the journal knows nothing is killed at
 * reconciliation and its disk removed, and one that the journal knows and the guest does not is
 * configured then. The caller is told when all is done, the warden's word that the disk is durable
 * included: nothing that was told is lost by a power cut.
 *
 * <h2>Delete overtakes</h2>
 * The name of a deleted sandbox is free at once, even while a long command is under way. So the delete
 * marks the record from the caller's thread, under the lock that every journal write takes, and then
 * queues the rest. The command under way fails at its next journal write, or sooner because the guest's
 * socket was closed under it, and takes its steps back as it does after any failure.
 */
final class SandboxOwner {
    private static final Logger LOG = LoggerFactory.getLogger(SandboxOwner.class);
    /** Between SIGTERM and SIGKILL when a rule stops a sandbox. */
    private static final Duration GRACE_OF_RULES = Duration.ofSeconds(10);

    private final OwnerTools tools;
    private final Mailbox mailbox;
    private final ActivityMarks activity;
    private final CompletableFuture<Sandbox> made;
    private final CompletableFuture<Sandbox> ended = new CompletableFuture<>();
    private final JournalEntry entry;
    private final RuleWatch rules;
    private volatile @Nullable Occupancy occupancy;
    private volatile Optional<Operation.UnderWay> underWay = Optional.empty();

    private SandboxOwner(OwnerTools tools, SandboxRecord record, CompletableFuture<Sandbox> made) {
        this.tools = tools;
        this.made = made;
        this.entry = new JournalEntry(tools.journal(), record);
        this.mailbox = new Mailbox("sandbox-" + record.sandbox().id());
        this.activity = new ActivityMarks(record.sandbox().lastActivity());
        this.rules = new RuleWatch(tools, entry, activity);
    }

    /** The owner of a sandbox that is to be made. */
    static SandboxOwner ofNew(OwnerTools tools, SandboxRecord record) {
        return new SandboxOwner(tools, record, new CompletableFuture<>());
    }

    /** The owner of a sandbox that an earlier engine made. */
    static SandboxOwner ofJournal(OwnerTools tools, SandboxRecord record) {
        return new SandboxOwner(tools, record, CompletableFuture.completedFuture(record.sandbox()));
    }

    SandboxId id() {
        return record().sandbox().id();
    }

    ProjectId project() {
        return record().sandbox().project();
    }

    String name() {
        return record().sandbox().name();
    }

    SandboxState state() {
        return record().sandbox().state();
    }

    boolean isDeleted() {
        return entry.isDeleted();
    }

    /** The record with what only memory knows: the operation under way and the newest activity. */
    Sandbox view() {
        return SandboxEdit.of(record().sandbox())
                .underWay(underWay)
                .lastActivity(lastActivity())
                .hold(tools.holds().of(id()))
                .done();
    }

    SandboxRecord record() {
        return entry.get();
    }

    /** The slot that it lives in now. */
    Optional<SlotId> slot() {
        return Optional.ofNullable(occupancy).map(Occupancy::slot);
    }

    ActivityMarks activity() {
        return activity;
    }

    Instant lastActivity() {
        return activity.last(tools.clock().instant());
    }

    void use(ActivityKind kind) {
        activity.mark(kind, tools.clock().instant());
    }

    /**
     * The guest of the present boot, for one operation in it.
     *
     * @throws WrongStateException unless it is RUNNING; one that is being stopped counts as STOPPED
     */
    GuestEndpoint guest(String operation) {
        return boot(operation).endpoint();
    }

    /** As {@link #guest}, with what else belongs to the present boot. */
    Occupancy boot(String operation) {
        Occupancy now = occupancy;
        SandboxState state = state();
        if (state == SandboxState.DELETED) {
            throw new NotFoundException("sandbox", id().value());
        }
        if (now == null || state != SandboxState.RUNNING) {
            SandboxState told = state == SandboxState.RUNNING ? SandboxState.STOPPED : state;
            throw new WrongStateException(id(), told, operation, EnumSet.of(SandboxState.RUNNING));
        }
        tools.holds().requireFree(id());
        return now;
    }

    /** Carries out a command in its turn and returns the sandbox as it is then. */
    Sandbox execute(SandboxCommand command) {
        return mailbox.call(() -> carryOut(command).sandbox());
    }

    /** Queues a command that nobody waits for; its failure is logged. */
    void enqueue(SandboxCommand command) {
        mailbox.submit(() -> carryOut(command).sandbox()).whenComplete((done, failure) -> {
            if (failure != null && !isDeleted()) {
                LOG.warn("sandbox {}: {} failed: {}", id(), command, failure.getMessage());
            }
        });
    }

    /** Disk and memory as they are now, under this id in the pool. */
    Captured capture(SandboxCommand.CaptureMemory command) {
        return mailbox.call(() -> carryOut(command)).captured().orElseThrow();
    }

    /** The disk as it is now, under this id in the pool. */
    Captured capture(SandboxCommand.CaptureDisk command) {
        return mailbox.call(() -> carryOut(command)).captured().orElseThrow();
    }

    /** How the create ended, for whoever waits in {@link #awaitMade}. */
    void makingEnded(Optional<RuntimeException> failure) {
        failure.ifPresentOrElse(made::completeExceptionally, () -> made.complete(record().sandbox()));
    }

    /** Whether the sandbox is over when its entrypoint is. */
    boolean endsWithEntrypoint() {
        return record().sandbox().entrypoint().map(Entrypoint::endsSandbox).orElse(false);
    }

    /** Whether this boot is the present one. */
    boolean livesIn(Occupancy boot) {
        return occupancy == boot;
    }

    /** The sandbox as it ended, or empty when it has not after {@code timeout}. */
    Optional<Sandbox> awaitEnd(Duration timeout) {
        try {
            return Optional.of(ended.get(timeout.toMillis(), TimeUnit.MILLISECONDS));
        } catch (TimeoutException e) {
            return Optional.empty();
        } catch (ExecutionException e) {
            throw new IllegalStateException("an end is no failure", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UnavailableException("interrupted while waiting for the end of sandbox " + id(), e);
        }
    }

    /** Returns when the create is over; what it failed of is thrown here, too. */
    void awaitMade() {
        Sandbox unused = Mailbox.await(made);
    }

    /**
     * Frees the name, then removes everything. Idempotent. The output of an entrypoint is kept before.
     *
     * @param failed what a create died of: then its idempotency key is free again, too
     */
    void delete(Optional<String> failed) {
        if (state() == SandboxState.CREATING && failed.isEmpty()) {
            awaitMade();
        }
        if (failed.isPresent()) {
            markDeleted(failed, Optional.empty());
        } else {
            markEnded(outcome(Outcome.Kind.TERMINATED, ""));
        }
        mailbox.call(() -> carryOut(new SandboxCommand.Delete()));
    }

    private Outcome outcome(Outcome.Kind kind, String detail) {
        return new Outcome(kind, Optional.empty(), detail, tools.clock().instant());
    }

    /** Whether it was used since its last activity was last written. */
    boolean activityNewerThanStored() {
        return lastActivity().isAfter(record().sandbox().lastActivity());
    }

    private record Done(Sandbox sandbox, Optional<Captured> captured) {}

    private Done carryOut(SandboxCommand command) {
        SandboxState state = state();
        if (command instanceof SandboxCommand.Resume) {
            tools.holds().requireFree(id());
        }
        if (command.doneIn().contains(state) && !(command instanceof SandboxCommand.Delete)) {
            return new Done(view(), Optional.empty());
        }
        refuseUnlessLegal(command, state);
        underWay = command.operation().map(operation -> new Operation.UnderWay(operation, tools.clock().instant()));
        Optional<Captured> captured = Optional.empty();
        try {
            switch (command) {
                case SandboxCommand.Create create -> tools.boot().ahead(() -> create(create.disk()));
                case SandboxCommand.Start start -> {
                    if (state == SandboxState.ARCHIVED) {
                        // Takes as long as it takes: the making of warm slots goes on.
                        carryOut(new SandboxCommand.Restore());
                        underWay = Optional.of(new Operation.UnderWay(Operation.STARTING, tools.clock().instant()));
                    }
                    tools.boot().ahead(this::start);
                }
                case SandboxCommand.Archive archive -> archive();
                case SandboxCommand.Restore restore -> restore();
                case SandboxCommand.Stop stop -> stop(stop.grace());
                case SandboxCommand.Pause pause -> pause();
                case SandboxCommand.Resume resume -> resumeAny();
                case SandboxCommand.Hibernate hibernate -> hibernate(hibernate.quiesce());
                case SandboxCommand.Delete delete -> remove();
                case SandboxCommand.Update update -> update(update.change());
                case SandboxCommand.CaptureDisk capture ->
                    captured = Optional.of(Captured.of(tools.gate().make(() -> capture.temporary()
                            ? tools.warden().temporarySnapshot(id(), capture.snapshot())
                            : tools.warden().snapshot(id(), capture.snapshot()))));
                case SandboxCommand.CaptureMemory capture -> captured = Optional.of(captureMemory(capture));
                case SandboxCommand.CheckRules check -> checkRules();
                case SandboxCommand.GuestEnded ended -> guestEnded(ended);
                case SandboxCommand.End end -> end(end);
            }
        } catch (RuntimeException e) {
            tools.meters().failed(command.getClass().getSimpleName(), e);
            throw e;
        } finally {
            underWay = Optional.empty();
            if (!(command instanceof SandboxCommand.CheckRules)) {
                armRules();
            }
        }
        return new Done(view(), captured);
    }

    private void refuseUnlessLegal(SandboxCommand command, SandboxState state) {
        if (command instanceof SandboxCommand.Delete) {
            return;
        }
        if (state == SandboxState.DELETED) {
            throw new NotFoundException("sandbox", id().value());
        }
        if (!command.legalIn().contains(state)) {
            throw new WrongStateException(
                    id(), state, command.getClass().getSimpleName().toLowerCase(Locale.ROOT), command.legalIn());
        }
    }

    private void create(DiskSource disk) {
        Instant began = tools.clock().instant();
        Sandbox next = SandboxEdit.of(record().sandbox()).generation(1).done();
        Boot.Claimant claimant = claim(next, disk);
        tools.killPoints().reached(KillPoint.CREATE_CLAIMED);
        SandboxRecord running = running(next, claimant);
        CompletableFuture<Void> journalled =
                CompletableFuture.runAsync(() -> entry.insert(running), tools.virtualThreads());
        try {
            live(next, claimant, KillPoint.CREATE_CONFIGURED, () -> {
                Mailbox.await(journalled);
                entry.inserted(running);
            });
        } catch (RuntimeException e) {
            // What takes this create back writes to the row: the insert must not come after it.
            journalled.handle((inserted, failure) -> failure).join();
            throw e;
        }
        tools.killPoints().reached(KillPoint.CREATE_COMMITTED);
        tools.meters().created(Duration.between(began, tools.clock().instant()));
    }

    private void start() {
        if (state() == SandboxState.PAUSED) {
            resume();
            return;
        }
        if (state() == SandboxState.HIBERNATED) {
            wake();
            return;
        }
        tools.quotas().runIn(this, this::bootAgain);
    }

    private void bootAgain() {
        tools.killPoints().reached(KillPoint.START_REQUESTED);
        if (state() == SandboxState.FAILED) {
            tools.warden().kill(id());
        }
        Sandbox next = SandboxEdit.of(record().sandbox())
                .generation(record().sandbox().generation() + 1)
                .done();
        Boot.Claimant claimant = claim(next, new DiskSource.Existing());
        tools.killPoints().reached(KillPoint.START_CLAIMED);
        live(next, claimant, KillPoint.START_CONFIGURED, () -> entry.change(_ -> running(next, claimant)));
        tools.killPoints().reached(KillPoint.START_COMMITTED);
    }

    private Boot.Claimant claim(Sandbox next, DiskSource disk) {
        return tools.boot().claim(next, tools.secrets().openEnv(record().secretEnv()), record().layers(), disk);
    }

    /** The row of this boot. */
    private SandboxRecord running(Sandbox next, Boot.Claimant claimant) {
        Instant now = tools.clock().instant();
        return record().withSandbox(SandboxEdit.of(record().sandbox())
                        .generation(next.generation())
                        .diskBytes(claimant.claimed().diskBytes())
                        .enter(SandboxState.RUNNING, now)
                        .lastActivity(now)
                        .failure(Optional.empty())
                        .done())
                .withSlot(Optional.of(claimant.slot().id().value()))
                .withUsageAtBoot(tools.usage().booted(id(), next.generation()));
    }

    /**
     * From claimed to RUNNING; on failure nothing lives.
     *
     * @param commit returns when the row is durable and the record in memory says RUNNING
     */
    private void live(Sandbox next, Boot.Claimant claimant, KillPoint configured, Runnable commit) {
        CompletableFuture<Void> durable =
                CompletableFuture.runAsync(() -> tools.warden().settle(id()), tools.virtualThreads());
        Occupancy begun = tools.boot().introduce(next, claimant);
        tools.killPoints().reached(configured);
        try {
            Optional<Outcome> refused = tools.entrypoints().start(next, begun.endpoint());
            Mailbox.await(durable);
            use(ActivityKind.API_CALL);
            occupancy = begun;
            commit.run();
            refused.ifPresentOrElse(
                    outcome -> enqueue(new SandboxCommand.End(next.generation(), outcome)),
                    () -> tools.entrypoints().watch(this, begun));
        } catch (RuntimeException e) {
            occupancy = null;
            tools.boot().giveUp(next, claimant.slot());
            throw e;
        }
    }

    private void stop(Duration grace) {
        tools.killPoints().reached(KillPoint.STOP_REQUESTED);
        Occupancy ending = occupancy;
        occupancy = null;
        if (ending != null && grace.isPositive()) {
            shutDown(ending, grace);
        }
        tools.killPoints().reached(KillPoint.STOP_SHUT_DOWN);
        end(Optional.empty(), ending);
        tools.killPoints().reached(KillPoint.STOP_COMMITTED);
    }

    /** Asks the guest to end what runs in it. A guest that does not answer is killed all the same. */
    private void shutDown(Occupancy ending, Duration grace) {
        if (tools.holds().of(id()).isPresent()) {
            LOG.info("sandbox {} stands still for the pool's sake and is killed without a shutdown", id());
            return;
        }
        try {
            if (state() == SandboxState.PAUSED) {
                tools.warden().thaw(id());
            }
            ending.endpoint().shutdown(grace);
        } catch (AtollException e) {
            LOG.info("sandbox {} is killed without a shutdown: {}", id(), e.getMessage());
        }
    }

    /** Kills what lives, writes STOPPED, releases the slot. */
    private void end(Optional<String> reason, @Nullable Occupancy ending) {
        Killed killed;
        try {
            killed = tools.warden().kill(id());
        } catch (AtollException e) {
            release(ending);
            enter(SandboxState.FAILED, Optional.of("it could not be stopped: " + e.getMessage()));
            throw e;
        }
        tools.killPoints().reached(KillPoint.STOP_KILLED);
        boolean hibernated = state() == SandboxState.HIBERNATED;
        tools.usage().ended(id(), project(), killed.usage());
        entry.change(r -> r.withSandbox(SandboxEdit.of(r.sandbox())
                        .enter(SandboxState.STOPPED, tools.clock().instant())
                        .lastActivity(lastActivity())
                        .failure(reason)
                        .done())
                .withSlot(Optional.empty()));
        release(ending);
        if (hibernated) {
            dropMemory();
        }
    }

    private void release(@Nullable Occupancy ending) {
        if (ending != null) {
            tools.slots().release(ending.slot(), ending.endpoint());
        }
    }

    private void pause() {
        tools.warden().freeze(id());
        enter(SandboxState.PAUSED, Optional.empty());
    }

    private void resumeAny() {
        if (state() == SandboxState.HIBERNATED) {
            tools.boot().ahead(this::wake);
        } else {
            resume();
        }
    }

    /** On failure the sandbox goes on; nothing is told RUNNING that has no guest. */
    private void hibernate(boolean quiesce) {
        requireMemory();
        tools.killPoints().reached(KillPoint.HIBERNATE_REQUESTED);
        Occupancy ending = occupancy;
        quiesce(ending, quiesce);
        occupancy = null;
        MemorySaved saved;
        try {
            saved = tools.gate().make(() -> tools.warden().hibernate(id()));
        } catch (RuntimeException e) {
            occupancy = ending;
            lift(ending, quiesce);
            if (state() == SandboxState.PAUSED) {
                enter(SandboxState.RUNNING, Optional.empty());
            }
            enqueue(new SandboxCommand.GuestEnded("it ended when it could not be hibernated", false));
            throw e;
        }
        tools.killPoints().reached(KillPoint.HIBERNATE_SAVED);
        tools.usage().ended(id(), project(), saved.usage());
        entry.change(r -> r.withSandbox(SandboxEdit.of(r.sandbox())
                        .enter(SandboxState.HIBERNATED, tools.clock().instant())
                        .lastActivity(lastActivity())
                        .failure(Optional.empty())
                        .done())
                .withSlot(Optional.empty()));
        release(ending);
        tools.killPoints().reached(KillPoint.HIBERNATE_COMMITTED);
    }

    /** On failure it stays HIBERNATED: what was saved is removed when the row says RUNNING. */
    private void wake() {
        tools.quotas().runIn(this, this::goOn);
    }

    private void goOn() {
        tools.killPoints().reached(KillPoint.WAKE_REQUESTED);
        Sandbox next = SandboxEdit.of(record().sandbox())
                .generation(record().sandbox().generation() + 1)
                .done();
        Boot.Claimant claimant = claim(next, new DiskSource.OfMemory(id().value()));
        tools.killPoints().reached(KillPoint.WAKE_CLAIMED);
        live(next, claimant, KillPoint.WAKE_CONFIGURED, () -> entry.change(_ -> running(next, claimant)));
        tools.killPoints().reached(KillPoint.WAKE_COMMITTED);
        dropMemory();
    }

    private Captured captureMemory(SandboxCommand.CaptureMemory capture) {
        requireMemory();
        Occupancy now = occupancy;
        quiesce(now, capture.quiesce());
        try {
            return Captured.of(tools.gate().make(() -> tools.warden().snapshotMemory(id(), capture.snapshot())));
        } finally {
            lift(now, capture.quiesce());
        }
    }

    /** @throws UnsupportedException when the memory of its class cannot be saved */
    void requireMemory() {
        if (record().sandbox().isolation() != Isolation.GVISOR) {
            throw new UnsupportedException("memory of isolation " + record().sandbox().isolation()
                    + " cannot be saved; a sandbox of isolation GVISOR can be hibernated, and forked and kept in a"
                    + " snapshot with its memory");
        }
        if (!record().sandbox().volumes().isEmpty()) {
            throw new UnsupportedException("memory of a sandbox with volumes cannot be saved");
        }
    }

    /** A frozen sandbox is as still as can be. */
    private void quiesce(@Nullable Occupancy now, boolean asked) {
        if (asked && now != null && state() == SandboxState.RUNNING) {
            now.endpoint().quiesce(false);
            tools.killPoints().reached(KillPoint.MEMORY_QUIESCED);
        }
    }

    /** Of the sandbox itself, which goes on as who it was; its guest may have to dial again first. */
    private void lift(@Nullable Occupancy now, boolean asked) {
        if (!asked || now == null || state() != SandboxState.RUNNING) {
            return;
        }
        try {
            now.endpoint().quiesce(true);
        } catch (AtollException e) {
            LOG.warn("sandbox {}: its processes may still be stopped: {}", id(), e.getMessage());
        }
    }

    /** What is not removed now is when it hibernates again, or is deleted. */
    private void dropMemory() {
        try {
            tools.warden().deleteMemory(id());
        } catch (AtollException e) {
            LOG.warn("the saved memory of sandbox {} could not be removed for now: {}", id(), e.getMessage());
        }
    }

    private void resume() {
        tools.warden().thaw(id());
        use(ActivityKind.API_CALL);
        enter(SandboxState.RUNNING, Optional.empty());
    }

    /** On failure the disk stays where it is. */
    private void archive() {
        tools.killPoints().reached(KillPoint.ARCHIVE_REQUESTED);
        ArchiveRecord archive = tools.archives().archive(id(), this::isDeleted);
        tools.killPoints().reached(KillPoint.ARCHIVE_STORED);
        enter(SandboxState.ARCHIVED, Optional.empty());
        tools.killPoints().reached(KillPoint.ARCHIVE_COMMITTED);
        try {
            tools.warden().deleteDisk(id());
        } catch (AtollException e) {
            LOG.warn("the disk of archived sandbox {} could not be removed for now: {}", id(), e.getMessage());
        }
        tools.archives().keepOnly(archive);
        tools.killPoints().reached(KillPoint.ARCHIVE_DISK_GONE);
    }

    /** On failure it stays ARCHIVED, and nothing of a disk is left. */
    private void restore() {
        tools.quotas().restoreIn(this, () -> {
            tools.killPoints().reached(KillPoint.RESTORE_REQUESTED);
            tools.archives().restore(id(), record().layers(), this::isDeleted);
            tools.killPoints().reached(KillPoint.RESTORE_WRITTEN);
            enter(SandboxState.STOPPED, Optional.empty());
            tools.killPoints().reached(KillPoint.RESTORE_COMMITTED);
        });
    }

    private void update(SandboxChange change) {
        change.rules().ifPresent(rules -> Lifecycle.checkSupported(
                rules, record().sandbox().isolation(), !record().sandbox().volumes().isEmpty()));
        SandboxEdit edit = SandboxEdit.of(record().sandbox()).apply(change);
        Sandbox next = edit.done();
        boolean lives = state() == SandboxState.RUNNING || state() == SandboxState.PAUSED;
        if (lives && !next.resources().equals(record().sandbox().resources())) {
            tools.quotas().changeIn(this, next.resources(), () -> {
                tools.warden().setLimits(id(), Boot.limitsOf(next));
                become(next, lives);
            });
        } else {
            become(next, lives);
        }
    }

    private void become(Sandbox next, boolean lives) {
        if (lives && !next.network().equals(record().sandbox().network())) {
            changeNetwork(next);
        }
        entry.change(r -> r.withSandbox(next));
    }

    private void changeNetwork(Sandbox next) {
        tools.warden().setNetwork(id(), next.network());
        Occupancy now = occupancy;
        // A boot without network was told no resolver. A frozen guest hears nothing.
        boolean untold = record().sandbox().network() instanceof NetworkPolicy.None;
        if (now != null && untold && state() == SandboxState.RUNNING) {
            now.endpoint()
                    .configure(tools.boot().reconfigurationOf(
                            next, tools.secrets().openEnv(record().secretEnv())));
        }
    }

    /** First half of a delete, from any thread: after it the name is free and nobody finds the sandbox. */
    private void markDeleted(Optional<String> failed, Optional<Outcome> outcome) {
        Optional<String> key = record().idempotencyKey();
        if (!entry.markDeleted(tools.clock().instant(), failed, outcome)) {
            return;
        }
        tools.registry().freeName(project(), name(), id());
        if (failed.isPresent()) {
            key.ifPresent(k -> tools.registry().freeIdempotencyKey(project(), k, this));
        }
        ended.complete(record().sandbox());
        tools.killPoints().reached(KillPoint.DELETE_MARKED);
        Occupancy ending = occupancy;
        if (ending != null) {
            ending.endpoint().close();
        }
    }

    /** As {@link #markDeleted}, after what the entrypoint wrote was kept. */
    private void markEnded(Outcome outcome) {
        Occupancy boot = occupancy;
        boolean answers = tools.holds().of(id()).isEmpty();
        if (boot != null && answers && !isDeleted()) {
            tools.entrypoints().keepOutput(record().sandbox(), boot);
        }
        markDeleted(Optional.empty(), Optional.of(outcome));
    }

    /** Ends the sandbox for good with this outcome, in its turn. */
    private void endFor(Outcome outcome) {
        LOG.info("sandbox {} ends: {} {}", id(), outcome.kind(), outcome.detail());
        markEnded(outcome);
        carryOut(new SandboxCommand.Delete());
    }

    /** Its entrypoint exited, in this boot or an earlier one. */
    private void end(SandboxCommand.End end) {
        Occupancy now = occupancy;
        boolean present = now != null && now.generation() == end.generation();
        if (present && endsWithEntrypoint()) {
            endFor(end.outcome());
        }
    }

    /** Second half of a delete, in its turn. What fails here is done by the next reconciliation. */
    private void remove() {
        Occupancy ending = occupancy;
        occupancy = null;
        Killed killed = tools.warden().kill(id());
        tools.usage().ended(id(), project(), killed.usage());
        tools.killPoints().reached(KillPoint.DELETE_KILLED);
        release(ending);
        tools.warden().deleteDisk(id());
        tools.archives().forget(id());
        tools.killPoints().reached(KillPoint.DELETE_DISK_GONE);
        tools.usage().forget(id());
        record().idempotencyKey().ifPresent(key -> tools.registry().freeIdempotencyKey(project(), key, this));
        tools.registry().remove(this);
        tools.killPoints().reached(KillPoint.DELETE_COMMITTED);
    }

    /**
     * A RUNNING sandbox whose first process ended is STOPPED with its files, as a machine that was
     * shut down from inside; one that ends with its entrypoint is over. The event may be of an earlier boot, so the warden is asked what lives.
     */
    private void guestEnded(SandboxCommand.GuestEnded how) {
        String reason = how.reason();
        boolean lives = !tools.warden().usage(List.of(id())).isEmpty();
        if (lives) {
            return;
        }
        if (endsWithEntrypoint()) {
            Occupancy dead = occupancy;
            if (dead != null) {
                // There is nobody left to be asked for output.
                dead.endpoint().close();
            }
            endFor(outcome(how.outOfMemory() ? Outcome.Kind.OUT_OF_MEMORY : Outcome.Kind.LOST, reason));
            return;
        }
        Occupancy ending = occupancy;
        occupancy = null;
        LOG.info("sandbox {} ended by itself: {}", id(), reason);
        end(Optional.of(reason), ending);
    }

    private void checkRules() {
        Optional<LifecycleRule> due = rules.due(occupancy);
        if (due.isEmpty()) {
            return;
        }
        LifecycleRule rule = due.get();
        LOG.info("sandbox {}: {} since {} for {}: {}", id(), rule.in(), rule.since(), rule.after(), rule.action());
        tools.meters().ruleFired(rule.action().name());
        try {
            apply(rule);
            rules.arm();
        } catch (RuntimeException e) {
            rules.tryAgainLater();
            throw e;
        }
    }

    private void apply(LifecycleRule rule) {
        switch (rule.action()) {
            case STOP -> carryOut(new SandboxCommand.Stop(GRACE_OF_RULES));
            case PAUSE -> carryOut(new SandboxCommand.Pause());
            case DELETE -> endFor(switch (rule.since()) {
                case LAST_ACTIVITY -> outcome(Outcome.Kind.IDLE_TIMEOUT, "no activity for " + rule.after());
                case CREATION -> outcome(Outcome.Kind.TIMEOUT, rule.after() + " since creation");
                case ENTERING_STATE -> outcome(Outcome.Kind.TIMEOUT, rule.after() + " in state " + rule.in());
            });
            case HIBERNATE -> carryOut(new SandboxCommand.Hibernate(false));
            case ARCHIVE -> {
                if (state() != SandboxState.STOPPED) {
                    carryOut(new SandboxCommand.Stop(GRACE_OF_RULES));
                }
                carryOut(new SandboxCommand.Archive());
            }
        }
    }

    /** Sets the alarm to the next deadline. */
    void armRules() {
        rules.arm();
    }

    /** Takes over a sandbox that an earlier engine, or this one before the warden was lost, had running. */
    void adopt(Occupancy found, boolean frozen) {
        tools.usage().adopted(id(), record().usageAtBoot());
        mailbox.call(() -> {
            occupancy = found;
            SandboxState seen = frozen ? SandboxState.PAUSED : SandboxState.RUNNING;
            if (seen != state()) {
                enter(seen, Optional.empty());
            }
            return seen;
        });
        tools.entrypoints().watch(this, found);
        armRules();
    }

    /** Lets go of the guest, which goes on running: the engine ends. Waits for the commands under way. */
    CompletableFuture<Boolean> detach() {
        return mailbox.submit(() -> {
            Occupancy last = occupancy;
            occupancy = null;
            if (last != null) {
                last.endpoint().close();
            }
            return last != null;
        });
    }

    /** Writes what reconciliation found out. */
    void settle(SandboxState state, Optional<String> reason) {
        mailbox.call(() -> {
            entry.change(r -> r.withSandbox(SandboxEdit.of(r.sandbox())
                            .enter(state, tools.clock().instant())
                            .failure(reason)
                            .done())
                    .withSlot(Optional.empty()));
            return state;
        });
        armRules();
    }

    /** Reconciliation found it dead: STOPPED with its files, or over when it ends with its entrypoint. */
    void settleDead(String reason) {
        if (endsWithEntrypoint()) {
            mailbox.call(() -> {
                endFor(outcome(Outcome.Kind.LOST, reason));
                return reason;
            });
        } else {
            settle(SandboxState.STOPPED, Optional.of(reason));
        }
    }

    private void enter(SandboxState state, Optional<String> failure) {
        entry.change(r -> r.withSandbox(SandboxEdit.of(r.sandbox())
                .enter(state, tools.clock().instant())
                .lastActivity(lastActivity())
                .failure(failure)
                .done()));
    }

    /** The lazily stored activity was written up to this instant. */
    void activityStored(Instant upTo) {
        entry.activityStored(upTo);
    }
}
