package dev.atoll.engine;

import dev.atoll.domain.ActivityKind;
import dev.atoll.domain.Caller;
import dev.atoll.domain.CapacityException;
import dev.atoll.domain.ConflictException;
import dev.atoll.domain.CreateSandbox;
import dev.atoll.domain.Egress;
import dev.atoll.domain.Entrypoint;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.NetworkPolicy;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.Operation;
import dev.atoll.domain.Page;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Resources;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxChange;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SandboxQuery;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.Sandboxes;
import dev.atoll.domain.Snapshot;
import dev.atoll.domain.SnapshotId;
import dev.atoll.domain.UnsupportedException;
import dev.atoll.store.SandboxRecord;
import dev.atoll.warden.DenialReport;
import dev.atoll.warden.DiskSource;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import java.util.function.Function;

/** The faces' view of the owners: finds the one that is meant and gives it the command. */
final class SandboxService implements Sandboxes {
    private static final Duration LONGEST_GRACE = Duration.ofSeconds(60);
    private static final Duration LONGEST_WAIT = Duration.ofHours(1);
    private static final int MOST_FORKS = 100;

    private final OwnerTools tools;
    private final Ids ids;
    private final SourceResolver sources;
    private final SnapshotService snapshots;
    private final Isolations isolations;

    SandboxService(
            OwnerTools tools, Ids ids, SourceResolver sources, SnapshotService snapshots, Isolations isolations) {
        this.tools = tools;
        this.ids = ids;
        this.sources = sources;
        this.snapshots = snapshots;
        this.isolations = isolations;
    }

    @Override
    public Sandbox create(Caller caller, CreateSandbox spec) {
        // Refused before an image is pulled for it.
        spec.isolation().ifPresent(isolations::require);
        var source = sources.resolve(caller.project(), spec.source());
        Isolation isolation = isolationOf(spec, source);
        Lifecycle.checkSupported(spec.rules(), isolation, !spec.volumes().isEmpty());
        source.memory().ifPresent(memory -> checkGoingOn(spec, memory));
        Sandbox sandbox = intended(caller, spec, isolation, source);
        Map<String, String> secretEnv = tools.secrets().resolve(caller.project(), spec.secrets());
        secretEnv.keySet().removeAll(spec.env().keySet());
        var record = new SandboxRecord(
                sandbox, source.layers(), spec.idempotencyKey(), tools.secrets().sealEnv(secretEnv));
        var owner = SandboxOwner.ofNew(tools, record);
        if (spec.idempotencyKey().isPresent()) {
            String key = spec.idempotencyKey().get();
            SandboxOwner first = tools.registry().takeIdempotencyKey(caller.project(), key, owner);
            if (first != owner) {
                return ofEarlierCreate(first);
            }
            Optional<SandboxRecord> ended = tools.journal().findByIdempotencyKey(caller.project(), key);
            if (ended.isPresent()) {
                return ofEndedCreate(owner, key, ended.get());
            }
        }
        return make(owner, source.start(sandbox.resources().diskBytes()));
    }

    /**
     * A create whose key an ended sandbox holds: that of one which ends with its entrypoint is its end,
     * which a repeated create may find when it comes late.
     */
    private Sandbox ofEndedCreate(SandboxOwner owner, String key, SandboxRecord ended) {
        tools.registry().freeIdempotencyKey(owner.project(), key, owner);
        var refusal = new ConflictException("the sandbox of this idempotency key was deleted: "
                + ended.sandbox().id() + "; use a new key");
        owner.makingEnded(Optional.of(refusal));
        boolean own = ended.sandbox().entrypoint().map(Entrypoint::endsSandbox).orElse(false);
        if (own && ended.sandbox().outcome().isPresent()) {
            return ended.sandbox();
        }
        throw refusal;
    }

    /** One that ended with its entrypoint meanwhile is returned as it ended. */
    private static Sandbox ofEarlierCreate(SandboxOwner first) {
        try {
            first.awaitMade();
        } catch (RuntimeException e) {
            throw new ConflictException("the create with this idempotency key failed: " + e.getMessage());
        }
        if (first.isDeleted() && !first.endsWithEntrypoint()) {
            throw new ConflictException(
                    "the sandbox of this idempotency key was deleted: " + first.id() + "; use a new key");
        }
        return first.view();
    }

    /** Makes the sandbox, or leaves nothing of it. */
    private Sandbox make(SandboxOwner owner, DiskSource disk) {
        try {
            tools.registry().takeName(owner.project(), owner.name(), owner.id());
            tools.killPoints().reached(KillPoint.CREATE_NAMED);
            tools.quotas().add(owner);
        } catch (ConflictException | CapacityException e) {
            tools.registry().freeName(owner.project(), owner.name(), owner.id());
            owner.record().idempotencyKey()
                    .ifPresent(key -> tools.registry().freeIdempotencyKey(owner.project(), key, owner));
            owner.makingEnded(Optional.of(e));
            throw e;
        }
        try {
            tools.volumes().requireAll(owner.record().sandbox().volumes());
            Sandbox made = owner.execute(new SandboxCommand.Create(disk));
            owner.makingEnded(Optional.empty());
            return made;
        } catch (RuntimeException e) {
            takeBack(owner, e);
            owner.makingEnded(Optional.of(e));
            throw e;
        }
    }

    private static void takeBack(SandboxOwner owner, RuntimeException cause) {
        try {
            owner.delete(Optional.of(String.valueOf(cause.getMessage())));
        } catch (RuntimeException e) {
            cause.addSuppressed(e);
        }
    }

    private static void checkGoingOn(CreateSandbox spec, Snapshot.Memory memory) {
        spec.entrypoint().ifPresent(e -> {
            throw new InvalidFieldException(
                    "entrypoint", "present", "absent: a sandbox that goes on from memory has its processes");
        });
        if (!spec.volumes().isEmpty()) {
            throw new InvalidFieldException(
                    "volumes", "present", "absent: memory goes on with what it was saved with, and that had none");
        }
        spec.memoryBytes().ifPresent(limit -> InvalidFieldException.requireRange(
                "resources.memoryBytes", limit, memory.bytes(), Long.MAX_VALUE));
    }

    /** The named class, or the one of the memory to go on from, else the first of the order that this node has. */
    private Isolation isolationOf(CreateSandbox spec, SourceResolver.Resolved source) {
        if (source.memory().isPresent()) {
            Isolation saved = source.memory().get().isolation();
            spec.isolation().filter(named -> named != saved).ifPresent(named -> {
                throw new UnsupportedException("isolation " + named + " cannot go on from memory of isolation " + saved
                        + "; start it from the disk of snapshot '" + source.templateName() + "' alone");
            });
            return isolations.require(saved);
        }
        if (spec.isolation().isPresent()) {
            return isolations.require(spec.isolation().get());
        }
        return spec.isolationOrder().stream()
                .filter(isolations::isAvailable)
                .findFirst()
                .orElseThrow(() -> new UnsupportedException(
                        "none of the isolation classes " + spec.isolationOrder() + " is available here"));
    }

    private Sandbox intended(
            Caller caller, CreateSandbox spec, Isolation isolation, SourceResolver.Resolved source) {
        var id = new SandboxId(ids.next());
        Instant now = tools.clock().instant();
        Resources defaults = tools.config().defaults();
        long disk = source.snapshot().map(s -> s.sizeBytes()).orElse(spec.diskBytes().orElse(defaults.diskBytes()));
        var resources = new Resources(
                spec.cpuMillis().or(() -> source.memory().map(Snapshot.Memory::cpuMillis)).orElse(defaults.cpuMillis()),
                spec.memoryBytes().or(() -> source.memory().map(Snapshot.Memory::limitBytes)).orElse(defaults.memoryBytes()),
                disk,
                defaults.gpus());
        Map<String, String> env = new HashMap<>(source.config().env());
        env.putAll(spec.env());
        Map<String, String> attributes = new HashMap<>(spec.attributes());
        source.alias().ifPresent(pattern -> attributes.put("atoll.alias", pattern));
        String user = spec.user().orElse(source.config().user());
        return new Sandbox(
                id, caller.project(), spec.name().orElse(id.value()), spec.labels(), source.template(),
                source.templateName(), isolation, resources, env, user.isEmpty() ? "root" : user,
                spec.workdir().orElse(source.config().workdir()), spec.network(), spec.rules(), attributes,
                SandboxState.CREATING, Optional.empty(), Optional.empty(), 0,
                source.snapshot().flatMap(s -> s.sandbox()), now, now, now,
                spec.entrypoint().map(e -> e.over(source.config())), Optional.empty(),
                tools.volumes().resolve(caller.project(), spec.volumes()), Optional.empty());
    }

    @Override
    public Sandbox get(Caller caller, SandboxId id) {
        return tools.registry().require(caller, id).view();
    }

    @Override
    public Optional<Sandbox> findByName(Caller caller, String name) {
        return tools.registry().findByName(caller.project(), name).map(SandboxOwner::view);
    }

    @Override
    public Page<Sandbox> list(Caller caller, SandboxQuery query) {
        if (!query.includeFinished() || !query.states().isEmpty()) {
            return tools.registry().list(caller.project(), query);
        }
        Page<SandboxRecord> page = tools.journal().list(caller.project(), query);
        List<Sandbox> newest = page.items().stream()
                .map(record -> tools.registry().find(record.sandbox().id())
                        .map(SandboxOwner::view)
                        .orElse(record.sandbox()))
                .toList();
        return new Page<>(newest, page.next(), page.total());
    }

    @Override
    public Optional<Sandbox> awaitEnd(Caller caller, SandboxId id, Duration timeout) {
        if (timeout.isNegative() || timeout.compareTo(LONGEST_WAIT) > 0) {
            throw new InvalidFieldException("timeout", timeout.toString(), "0 to 1 hour");
        }
        Optional<SandboxOwner> owner = ownerOf(caller, id);
        if (owner.isPresent()) {
            return owner.get().awaitEnd(timeout).map(ended -> withOutcome(ended));
        }
        return Optional.of(tools.journal().get(id)
                .map(SandboxRecord::sandbox)
                .filter(sandbox -> sandbox.project().equals(caller.project()))
                .map(ended -> withOutcome(ended))
                .orElseThrow(() -> new NotFoundException("sandbox", id.value())));
    }

    /** One whose create failed never was. */
    private static Sandbox withOutcome(Sandbox ended) {
        if (ended.outcome().isEmpty()) {
            throw new NotFoundException("sandbox", ended.id().value());
        }
        return ended;
    }

    private Optional<SandboxOwner> ownerOf(Caller caller, SandboxId id) {
        return tools.registry().find(id).filter(owner -> owner.project().equals(caller.project()));
    }

    @Override
    public Sandbox start(Caller caller, SandboxId id) {
        return command(caller, id, new SandboxCommand.Start());
    }

    @Override
    public Sandbox stop(Caller caller, SandboxId id, Duration grace) {
        if (grace.isNegative() || grace.compareTo(LONGEST_GRACE) > 0) {
            throw new InvalidFieldException("grace", grace.toString(), "0 to 60 seconds");
        }
        return command(caller, id, new SandboxCommand.Stop(grace));
    }

    @Override
    public Sandbox pause(Caller caller, SandboxId id) {
        return command(caller, id, new SandboxCommand.Pause());
    }

    @Override
    public Sandbox hibernate(Caller caller, SandboxId id, boolean quiesce) {
        return command(caller, id, new SandboxCommand.Hibernate(quiesce));
    }

    @Override
    public Sandbox resume(Caller caller, SandboxId id) {
        return command(caller, id, new SandboxCommand.Resume());
    }

    @Override
    public Sandbox archive(Caller caller, SandboxId id) {
        return command(caller, id, new SandboxCommand.Archive());
    }

    @Override
    public Sandbox restore(Caller caller, SandboxId id) {
        return command(caller, id, new SandboxCommand.Restore());
    }

    @Override
    public Sandbox update(Caller caller, SandboxId id, SandboxChange change) {
        return command(caller, id, new SandboxCommand.Update(change));
    }

    private Sandbox command(Caller caller, SandboxId id, SandboxCommand command) {
        SandboxOwner owner = tools.registry().require(caller, id);
        owner.use(ActivityKind.API_CALL);
        return owner.execute(command);
    }

    /** {@inheritDoc} An id that was deleted before is no error as long as its row is kept. */
    @Override
    public void delete(Caller caller, SandboxId id) {
        Optional<SandboxOwner> owner = ownerOf(caller, id);
        if (owner.isPresent()) {
            owner.get().delete(Optional.empty());
            return;
        }
        boolean wasOurs = tools.journal().get(id).map(r -> r.sandbox().project().equals(caller.project())).orElse(false);
        if (!wasOurs) {
            throw new NotFoundException("sandbox", id.value());
        }
    }

    @Override
    public Egress egress(Caller caller, SandboxId id) {
        SandboxOwner owner = tools.registry().require(caller, id);
        NetworkPolicy policy = owner.record().sandbox().network();
        if (owner.slot().isEmpty()) {
            return new Egress(policy, Optional.empty(), List.of());
        }
        try {
            DenialReport report = tools.warden().denials(id);
            return new Egress(policy, Optional.of(report.since()), report.denials());
        } catch (NotFoundException e) {
            // It has ended meanwhile.
            return new Egress(policy, Optional.empty(), List.of());
        }
    }

    @Override
    public void touch(Caller caller, SandboxId id, ActivityKind kind) {
        tools.registry().require(caller, id).use(kind);
    }

    /**
     * {@inheritDoc} The children have all that their parent has but identity: labels, environment,
     * rules and attributes as they are now.
     */
    @Override
    public List<Sandbox> fork(Caller caller, SandboxId id, List<Optional<String>> names) {
        // All children see one instant, so several are clones of one snapshot; an only child needs no
        // second clone.
        Function<SnapshotId, DiskSource> source =
                names.size() == 1 ? DiskSource.TakenSnapshot::new : DiskSource.OfSnapshot::new;
        return fork(caller, id, names, source, (parent, temporary) -> {
            var unused = parent.capture(new SandboxCommand.CaptureDisk(temporary, true));
        });
    }

    @Override
    public List<Sandbox> forkWithMemory(Caller caller, SandboxId id, List<Optional<String>> names, boolean quiesce) {
        return fork(caller, id, names, temporary -> new DiskSource.OfMemory(temporary.value()), (parent, temporary) -> {
            var unused = parent.capture(new SandboxCommand.CaptureMemory(temporary, Operation.FORKING, quiesce));
        });
    }

    private List<Sandbox> fork(
            Caller caller,
            SandboxId id,
            List<Optional<String>> names,
            Function<SnapshotId, DiskSource> source,
            BiConsumer<SandboxOwner, SnapshotId> capture) {
        InvalidFieldException.requireRange("names.size", names.size(), 1, MOST_FORKS);
        names.forEach(name -> name.ifPresent(CreateSandbox::checkName));
        SandboxOwner parent = tools.registry().require(caller, id);
        parent.use(ActivityKind.API_CALL);
        SnapshotId temporary = snapshots.beginTemporary();
        tools.killPoints().reached(KillPoint.FORK_REQUESTED);
        boolean taken = false;
        try {
            capture.accept(parent, temporary);
            tools.killPoints().reached(KillPoint.FORK_SNAPSHOT_MADE);
            DiskSource disk = source.apply(temporary);
            List<Sandbox> children = makeAll(parent.record(), names, disk);
            taken = disk instanceof DiskSource.TakenSnapshot;
            return children;
        } finally {
            if (taken) {
                snapshots.temporaryTaken(temporary);
            } else {
                snapshots.endTemporary(temporary);
            }
            tools.killPoints().reached(KillPoint.FORK_SNAPSHOT_DROPPED);
        }
    }

    /** All or none. */
    private List<Sandbox> makeAll(SandboxRecord parent, List<Optional<String>> names, DiskSource disk) {
        List<CompletableFuture<Sandbox>> children = names.stream()
                .map(name -> CompletableFuture.supplyAsync(() -> {
                    Sandbox child = make(SandboxOwner.ofNew(tools, childOf(parent, name)), disk);
                    tools.killPoints().reached(KillPoint.FORK_CHILD_MADE);
                    return child;
                }, tools.virtualThreads()))
                .toList();
        var made = new ArrayList<Sandbox>();
        var failures = new ArrayList<RuntimeException>();
        for (CompletableFuture<Sandbox> child : children) {
            try {
                made.add(Mailbox.await(child));
            } catch (RuntimeException e) {
                failures.add(e);
            }
        }
        if (failures.isEmpty()) {
            return made;
        }
        RuntimeException first = failures.getFirst();
        made.forEach(child -> tools.registry().find(child.id()).ifPresent(owner -> takeBack(owner, first)));
        throw first;
    }

    private SandboxRecord childOf(SandboxRecord parent, Optional<String> name) {
        Sandbox of = parent.sandbox();
        var id = new SandboxId(ids.next());
        Instant now = tools.clock().instant();
        Sandbox child = new Sandbox(
                id, of.project(), name.orElse(id.value()), of.labels(), of.template(), of.templateName(),
                of.isolation(), of.resources(), of.env(), of.user(), of.workdir(), of.network(), of.rules(),
                of.attributes(), SandboxState.CREATING, Optional.empty(), Optional.empty(), 0, Optional.of(of.id()),
                now, now, now, of.entrypoint(), Optional.empty(), of.volumes(), Optional.empty());
        return new SandboxRecord(child, parent.layers(), Optional.empty(), parent.secretEnv());
    }
}
