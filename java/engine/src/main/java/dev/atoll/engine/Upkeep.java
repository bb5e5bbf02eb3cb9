package dev.atoll.engine;

import dev.atoll.domain.SandboxId;
import dev.atoll.store.SandboxStore;
import dev.atoll.warden.Warden;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is done every few seconds: storing the last activities, reading the usage, ending warm slots out of
 * use, purging old rows. Beside it the blob store is swept, which may take hours.
 */
final class Upkeep implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Upkeep.class);
    private static final Duration PURGE_EVERY = Duration.ofHours(1);
    private static final Duration SWEEP_EVERY = Duration.ofHours(6);
    private static final Duration TRIM_EVERY = Duration.ofMinutes(1);

    private final SandboxRegistry registry;
    private final SandboxStore journal;
    private final Warden warden;
    private final UsageLedger usage;
    private final TransientSandboxes listed;
    private final Clock clock;
    private final ScheduledExecutorService timer =
            Executors.newSingleThreadScheduledExecutor(Thread.ofVirtual().name("upkeep").factory());
    private final ScheduledExecutorService sweeper =
            Executors.newSingleThreadScheduledExecutor(Thread.ofVirtual().name("sweep").factory());

    Upkeep(
            EngineConfig config,
            SandboxRegistry registry,
            SandboxStore journal,
            Warden warden,
            UsageLedger usage,
            SecretService secrets,
            EndedOutput output,
            ArchiveService archives,
            WarmPools warm,
            BuildCache builds,
            TransientSandboxes listed,
            Clock clock) {
        this.registry = registry;
        this.journal = journal;
        this.warden = warden;
        this.usage = usage;
        this.listed = listed;
        this.clock = clock;
        every(timer, config.flushEvery(), this::storeActivity);
        every(timer, config.sampleEvery(), this::sampleUsage);
        every(timer, TRIM_EVERY, warm::trim);
        every(timer, PURGE_EVERY, builds::dropUnused);
        every(timer, PURGE_EVERY, () -> purge(config.endedKept(), secrets, output));
        every(sweeper, SWEEP_EVERY, archives::trySweep);
    }

    private static void every(ScheduledExecutorService on, Duration interval, Runnable task) {
        Runnable guarded = () -> {
            try {
                task.run();
            } catch (RuntimeException e) {
                LOG.warn("upkeep is tried again in {}: {}", interval, e.getMessage());
            }
        };
        var unused = on.scheduleWithFixedDelay(guarded, interval.toMillis(), interval.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void purge(Duration kept, SecretService secrets, EndedOutput output) {
        Instant before = clock.instant().minus(kept);
        journal.purgeDeleted(before);
        output.purge(before);
        secrets.purge();
    }

    /** Writes the activities that are newer than their rows, in one commit. */
    void storeActivity() {
        Map<SandboxId, Instant> newer = new HashMap<>();
        for (SandboxOwner owner : registry.all()) {
            if (!owner.isDeleted() && owner.activityNewerThanStored()) {
                newer.put(owner.id(), owner.lastActivity());
            }
        }
        if (!newer.isEmpty()) {
            journal.touch(newer);
            newer.forEach((id, at) -> registry.find(id).ifPresent(owner -> owner.activityStored(at)));
        }
    }

    /** Reads what the live sandboxes use and stores the growth. */
    void sampleUsage() {
        usage.sample(warden.usage(List.of()), id -> registry.find(id).map(SandboxOwner::project).or(() -> listed.projectOf(id)));
    }

    /** Stores the last activities; what fails is lost with the engine. A sweep is broken off. */
    @Override
    public void close() {
        timer.shutdown();
        sweeper.shutdownNow();
        try {
            if (!timer.awaitTermination(10, TimeUnit.SECONDS) || !sweeper.awaitTermination(10, TimeUnit.SECONDS)) {
                LOG.warn("upkeep did not end in time");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        storeActivity();
    }
}
