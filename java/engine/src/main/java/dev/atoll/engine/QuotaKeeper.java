package dev.atoll.engine;

import dev.atoll.domain.CapacityException;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Resources;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SandboxState;
import dev.atoll.engine.Quotas.Quota;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.ToLongFunction;

/**
 * Keeps projects within their quotas. What a project uses is counted in the registry when something is
 * asked for, so no second set of books can disagree with it; a project without a quota costs a look into a
 * map. Safe from any thread.
 */
final class QuotaKeeper {
    private final Quotas quotas;
    private final SandboxRegistry registry;
    private final Clock clock;
    private final List<ToLongFunction<ProjectId>> disks = new CopyOnWriteArrayList<>();
    /** One for each project that has a quota: who counts also takes, before another counts. */
    private final Map<ProjectId, Object> locks = new ConcurrentHashMap<>();
    private final Map<ProjectId, RequestRate> rates = new ConcurrentHashMap<>();
    // What was admitted and is in no record yet. Entered under the lock and left without it, after the record
    // says it: who counts looks here first and at the record after, and so misses neither.
    /** Are not RUNNING yet. */
    private final Set<SandboxId> starting = ConcurrentHashMap.newKeySet();
    /** Whose disks are on their way back. */
    private final Set<SandboxId> restoring = ConcurrentHashMap.newKeySet();
    /** What those that live are about to have. */
    private final Map<SandboxId, Resources> changing = new ConcurrentHashMap<>();

    QuotaKeeper(Quotas quotas, SandboxRegistry registry, Clock clock) {
        this.quotas = quotas;
        this.registry = registry;
        this.clock = clock;
    }

    /** Adds what counts besides the disks of sandboxes, bytes of a project. */
    void addDisks(ToLongFunction<ProjectId> bytes) {
        disks.add(bytes);
    }

    /** What is asked for in addition. */
    private record Ask(int sandboxes, long cpuMillis, long memoryBytes, long diskBytes) {}

    /**
     * Enters a new sandbox in the registry.
     *
     * @throws CapacityException QUOTA; then it is not there
     */
    void add(SandboxOwner owner) {
        Resources r = owner.record().sandbox().resources();
        admit(owner.project(), new Ask(1, r.cpuMillis(), r.memoryBytes(), r.diskBytes()), () -> registry.add(owner));
    }

    /** @throws CapacityException QUOTA when the project runs too much already for this one to run, too */
    void runIn(SandboxOwner owner, Runnable start) {
        Sandbox sandbox = owner.record().sandbox();
        Resources r = sandbox.resources();
        admit(owner.project(), new Ask(0, r.cpuMillis(), r.memoryBytes(), 0), () -> starting.add(owner.id()));
        try {
            start.run();
        } finally {
            starting.remove(owner.id());
        }
    }

    /**
     * Brings its disk back. One for each sandbox at a time.
     *
     * @throws CapacityException QUOTA
     */
    void restoreIn(SandboxOwner owner, Runnable restore) {
        long disk = owner.record().sandbox().resources().diskBytes();
        admit(owner.project(), new Ask(0, 0, 0, disk), () -> restoring.add(owner.id()));
        try {
            restore.run();
        } finally {
            restoring.remove(owner.id());
        }
    }

    /**
     * Changes what a sandbox that runs may use. One for each sandbox at a time.
     *
     * @throws CapacityException QUOTA
     */
    void changeIn(SandboxOwner owner, Resources next, Runnable change) {
        Resources now = owner.record().sandbox().resources();
        long cpu = Math.max(0, next.cpuMillis() - now.cpuMillis());
        long memory = Math.max(0, next.memoryBytes() - now.memoryBytes());
        admit(owner.project(), new Ask(0, cpu, memory, 0), () -> changing.put(owner.id(), next));
        try {
            change.run();
        } finally {
            changing.remove(owner.id());
        }
    }

    /** @param take enters it among the project's volumes @throws CapacityException QUOTA */
    void admitVolume(ProjectId project, long bytes, Runnable take) {
        admit(project, new Ask(0, 0, 0, bytes), take);
    }

    private void admit(ProjectId project, Ask ask, Runnable take) {
        Quota quota = quotas.of(project);
        if (!quota.countsResources()) {
            take.run();
            return;
        }
        synchronized (locks.computeIfAbsent(project, p -> new Object())) {
            check(project, quota, ask);
            take.run();
        }
    }

    private void check(ProjectId project, Quota quota, Ask ask) {
        long sandboxes = 0;
        long cpu = 0;
        long memory = 0;
        long disk = disks.stream().mapToLong(bytes -> bytes.applyAsLong(project)).sum();
        for (SandboxOwner owner : registry.all()) {
            if (!owner.project().equals(project) || owner.isDeleted()) {
                continue;
            }
            boolean starts = starting.contains(owner.id());
            boolean returns = restoring.contains(owner.id());
            Resources next = changing.get(owner.id());
            Sandbox sandbox = owner.record().sandbox();
            Resources now = sandbox.resources();
            sandboxes++;
            disk += returns || sandbox.state() != SandboxState.ARCHIVED ? now.diskBytes() : 0;
            if (starts || runs(sandbox.state())) {
                cpu += Math.max(now.cpuMillis(), next == null ? 0 : next.cpuMillis());
                memory += Math.max(now.memoryBytes(), next == null ? 0 : next.memoryBytes());
            }
        }
        check(project, "sandboxes", sandboxes, ask.sandboxes, quota.sandboxes().map(Integer::longValue));
        check(project, "thousandths of a CPU", cpu, ask.cpuMillis, quota.cpuMillis());
        check(project, "bytes of memory", memory, ask.memoryBytes, quota.memoryBytes());
        check(project, "bytes of disks", disk, ask.diskBytes, quota.diskBytes());
    }

    private static boolean runs(SandboxState state) {
        return switch (state) {
            case CREATING, RUNNING, PAUSED -> true;
            case HIBERNATED, STOPPED, ARCHIVED, FAILED, DELETED -> false;
        };
    }

    private static void check(ProjectId project, String what, long used, long more, Optional<Long> most) {
        if (more > 0 && most.isPresent() && used + more > most.get()) {
            throw new CapacityException(CapacityException.What.QUOTA, "project " + project + " may have " + most.get()
                    + " " + what + "; it has " + used + " and " + more + " more are asked for");
        }
    }

    /** Counts one request. @throws CapacityException RATE when the project made too many */
    void admitRequest(ProjectId project) {
        Optional<Integer> perSecond = quotas.of(project).requestsPerSecond();
        if (perSecond.isEmpty()) {
            return;
        }
        RequestRate rate = rates.computeIfAbsent(project, p -> new RequestRate(perSecond.get()));
        if (!rate.take(clock.instant())) {
            throw new CapacityException(
                    CapacityException.What.RATE,
                    "project " + project + " may make " + perSecond.get() + " requests a second; try again in a second");
        }
    }
}
