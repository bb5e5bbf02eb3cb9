package dev.atoll.engine;

import dev.atoll.domain.SandboxId;
import dev.atoll.store.SandboxStore;
import dev.atoll.warden.Warden;
import java.time.Clock;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.Executor;

/** What every owner works with; one for all of them. */
record OwnerTools(
        EngineConfig config,
        Clock clock,
        SandboxStore journal,
        Warden warden,
        Boot boot,
        SlotFactory slots,
        MakingGate gate,
        PoolHolds holds,
        SandboxRegistry registry,
        UsageLedger usage,
        SecretService secrets,
        VolumeService volumes,
        ArchiveService archives,
        QuotaKeeper quotas,
        Entrypoints entrypoints,
        EngineMeters meters,
        KillPoints killPoints,
        Executor virtualThreads,
        Alarm alarm) {
    /** Sets when an owner wants to look at its rules again. */
    @FunctionalInterface
    interface Alarm {
        void arm(SandboxId sandbox, Optional<Instant> at);
    }
}
