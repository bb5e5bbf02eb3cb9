package dev.atoll.engine;

import dev.atoll.domain.AtollException;
import dev.atoll.domain.Caller;
import dev.atoll.domain.DayUsage;
import dev.atoll.domain.ForbiddenException;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.Node;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.SnapshotId;
import dev.atoll.domain.Usage;
import dev.atoll.warden.Known;
import dev.atoll.warden.Warden;
import dev.atoll.warden.WardenInfo;
import java.time.LocalDate;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** The node as operators see it. */
final class NodeService implements Node {
    private static final int LONGEST_REPORT = 366;

    private final EngineConfig config;
    private final Warden warden;
    private final MakingGate gate;
    private final NodeFacts facts;
    private final Isolations isolations;
    private final SandboxRegistry registry;
    private final SnapshotService snapshots;
    private final VolumeService volumes;
    private final ArchiveService archives;
    private final BuildCache builds;
    private final TransientSandboxes listed;
    private final LayerCare layers;
    private final UsageLedger usage;
    private final WarmPools warm;
    private final Reconciler reconciler;
    private final Upkeep upkeep;

    NodeService(
            EngineConfig config,
            Warden warden,
            MakingGate gate,
            NodeFacts facts,
            Isolations isolations,
            SandboxRegistry registry,
            SnapshotService snapshots,
            VolumeService volumes,
            ArchiveService archives,
            BuildCache builds,
            TransientSandboxes listed,
            LayerCare layers,
            UsageLedger usage,
            WarmPools warm,
            Reconciler reconciler,
            Upkeep upkeep) {
        this.config = config;
        this.warden = warden;
        this.gate = gate;
        this.facts = facts;
        this.isolations = isolations;
        this.registry = registry;
        this.snapshots = snapshots;
        this.volumes = volumes;
        this.archives = archives;
        this.builds = builds;
        this.listed = listed;
        this.layers = layers;
        this.usage = usage;
        this.warm = warm;
        this.reconciler = reconciler;
        this.upkeep = upkeep;
    }

    @Override
    public Capabilities capabilities() {
        WardenInfo info = facts.info();
        return new Capabilities(config.version(), isolations.all(), info.poolKind(), info.cgroupMode());
    }

    @Override
    public Health health() {
        int running = registry.count(SandboxState.RUNNING);
        try {
            var pool = warden.pool();
            Optional<String> detail = pool.refusing()
                    ? Optional.of("the pool is over its admission mark: creates, forks, snapshots and uploads are refused")
                    : Optional.empty();
            return new Health(detail.isEmpty(), true, running, warm.size(), detail);
        } catch (AtollException e) {
            return new Health(false, false, running, warm.size(), Optional.of("the warden does not answer: " + e.getMessage()));
        }
    }

    @Override
    public Pool pool() {
        return warden.pool();
    }

    @Override
    public List<Check> doctor() {
        return warden.doctor();
    }

    @Override
    public List<Leak> audit(boolean repair) {
        return gate.quiet(() -> {
            // What was just ending at the first look is gone at the second.
            Set<Leak> first = Set.copyOf(warden.audit(known(), false, true));
            return first.isEmpty() ? List.<Leak>of() : warden.audit(known(), repair, true).stream()
                    .filter(leak -> first.contains(new Leak(leak.kind(), leak.name(), false)))
                    .toList();
        });
    }

    private Known known() {
        List<SandboxId> sandboxes =
                Stream.concat(registry.all().stream().map(SandboxOwner::id), listed.all().stream()).toList();
        List<SnapshotId> disks =
                Stream.concat(snapshots.known().stream(), builds.snapshots().stream()).toList();
        return new Known(sandboxes, disks, List.copyOf(layers.used()), List.copyOf(volumes.known()));
    }

    @Override
    public List<Usage> usage(Caller caller, Optional<SandboxId> sandbox) {
        upkeep.sampleUsage();
        if (sandbox.isPresent()) {
            return List.of(usage.of(registry.require(caller, sandbox.get()).id()));
        }
        return registry.all().stream()
                .filter(o -> !o.isDeleted() && (caller.operator() || o.project().equals(caller.project())))
                .map(o -> usage.of(o.id()))
                .toList();
    }

    @Override
    public List<DayUsage> usageByDay(Caller caller, LocalDate from, LocalDate to) {
        long days = ChronoUnit.DAYS.between(from, to) + 1;
        if (days < 1 || days > LONGEST_REPORT) {
            throw new InvalidFieldException("from", from.toString(), "a day up to 'to', at most 366 days before it");
        }
        upkeep.sampleUsage();
        return usage.byDay(caller.operator() ? Optional.empty() : Optional.of(caller.project()), from, to);
    }

    @Override
    public long prune(Caller caller) {
        if (!caller.operator()) {
            throw new ForbiddenException("only an operator's key may prune");
        }
        long freed = snapshots.removeExpired();
        freed += builds.dropAll();
        reconciler.resynchronise();
        freed += archives.sweep();
        return freed + layers.removeUnused();
    }
}
