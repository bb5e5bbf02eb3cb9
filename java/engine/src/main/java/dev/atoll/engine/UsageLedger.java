package dev.atoll.engine;

import dev.atoll.domain.DayUsage;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.Usage;
import dev.atoll.store.Counters;
import dev.atoll.store.UsageStore;
import dev.atoll.warden.SandboxUsage;
import java.time.Clock;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Turns the warden's readings, which begin at zero with every boot, into counters that only grow. A
 * boot that this engine found running had counted so far what its counters grew by since it began;
 * so neither is anything billed twice nor is what was used without an engine lost.
 */
final class UsageLedger {
    /** @param at when it was read, for what is integrated over time */
    private record Reading(SandboxUsage usage, Instant at) {}

    private final UsageStore store;
    private final Clock clock;
    private final Map<SandboxId, Reading> last = new ConcurrentHashMap<>();

    UsageLedger(UsageStore store, Clock clock) {
        this.store = store;
        this.clock = clock;
    }

    /** A boot begins now: the warden counts from zero. Returns the counters so far; none before the first. */
    Counters booted(SandboxId sandbox, long generation) {
        last.put(sandbox, new Reading(nothing(sandbox), clock.instant()));
        return generation == 1 ? Counters.ZERO : store.ofSandbox(sandbox);
    }

    /** A boot of an earlier engine goes on. What is integrated over time begins anew. */
    void adopted(SandboxId sandbox, Counters atBoot) {
        Counters counted = store.ofSandbox(sandbox).minus(atBoot);
        var reading = new SandboxUsage(
                sandbox, counted.cpuMicros(), 0, 0, 0, counted.networkReceived(), counted.networkSent(), 0,
                counted.oomKills());
        last.put(sandbox, new Reading(reading, clock.instant()));
    }

    private static SandboxUsage nothing(SandboxId sandbox) {
        return new SandboxUsage(sandbox, 0, 0, 0, 0, 0, 0, 0, 0);
    }

    /** Takes the readings of sandboxes that live; those without a project are not ours. */
    void sample(List<SandboxUsage> readings, Function<SandboxId, Optional<ProjectId>> projects) {
        var increments = new ArrayList<UsageStore.Increment>();
        for (SandboxUsage reading : readings) {
            projects.apply(reading.sandbox())
                    .flatMap(project -> increment(reading, project))
                    .ifPresent(increments::add);
        }
        if (!increments.isEmpty()) {
            store.add(increments);
        }
    }

    /** The last reading of a boot that ended. */
    void ended(SandboxId sandbox, ProjectId project, Optional<SandboxUsage> reading) {
        reading.flatMap(r -> increment(r, project)).ifPresent(i -> store.add(List.of(i)));
        last.remove(sandbox);
    }

    void forget(SandboxId sandbox) {
        last.remove(sandbox);
        store.forget(sandbox);
    }

    /** Counters so far; gauges of the last reading, zero when it does not live. */
    Usage of(SandboxId sandbox) {
        Counters total = store.ofSandbox(sandbox);
        Reading reading = last.get(sandbox);
        SandboxUsage now = reading != null ? reading.usage : nothing(sandbox);
        return new Usage(
                sandbox,
                total.cpuMicros() / 1e6,
                total.memoryByteSeconds(),
                now.memoryBytes(),
                now.diskUsed(),
                total.networkReceived(),
                total.networkSent(),
                now.pids(),
                total.oomKills());
    }

    /** @param project empty = every one */
    List<DayUsage> byDay(Optional<ProjectId> project, LocalDate from, LocalDate to) {
        List<UsageStore.ProjectDay> days = project
                .map(p -> store.ofProject(p, from, to).stream().map(day -> new UsageStore.ProjectDay(p, day)).toList())
                .orElseGet(() -> store.ofAll(from, to));
        return days.stream()
                .map(day -> {
                    Counters used = day.used().counters();
                    return new DayUsage(
                            day.project(), day.used().day(), used.cpuMicros() / 1e6, used.memoryByteSeconds(),
                            used.diskByteSeconds(), used.networkReceived(), used.networkSent(), used.oomKills());
                })
                .toList();
    }

    private Optional<UsageStore.Increment> increment(SandboxUsage now, ProjectId project) {
        Instant at = clock.instant();
        @Nullable Reading before = last.put(now.sandbox(), new Reading(now, at));
        if (before == null) {
            return Optional.empty();
        }
        double seconds = Math.max(0, at.toEpochMilli() - before.at.toEpochMilli()) / 1000.0;
        SandboxUsage old = before.usage;
        var counters = new Counters(
                grown(old.cpuMicros(), now.cpuMicros()),
                (long) (now.memoryBytes() * seconds),
                (long) (now.diskUsed() * seconds),
                grown(old.networkReceived(), now.networkReceived()),
                grown(old.networkSent(), now.networkSent()),
                grown(old.oomKills(), now.oomKills()));
        if (counters.equals(Counters.ZERO)) {
            return Optional.empty();
        }
        return Optional.of(
                new UsageStore.Increment(now.sandbox(), project, LocalDate.ofInstant(at, ZoneOffset.UTC), counters));
    }

    /** A counter that is lower than before has begun anew. */
    private static long grown(long before, long now) {
        return now >= before ? now - before : now;
    }
}
