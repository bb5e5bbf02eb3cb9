package dev.atoll.engine;

import dev.atoll.warden.WardenEvent;
import dev.atoll.warden.WardenListener;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Hands the warden's events to whom they concern; blocks for a resynchronisation only. */
final class NodeEvents implements WardenListener {
    private static final Logger LOG = LoggerFactory.getLogger(NodeEvents.class);

    private final SandboxRegistry registry;
    private final WarmPools warm;
    private final Reconciler reconciler;
    private final EngineMeters meters;
    private final PoolAdmission admission;
    private final PoolHolds holds;

    NodeEvents(
            SandboxRegistry registry,
            WarmPools warm,
            Reconciler reconciler,
            EngineMeters meters,
            PoolAdmission admission,
            PoolHolds holds) {
        this.registry = registry;
        this.warm = warm;
        this.reconciler = reconciler;
        this.meters = meters;
        this.admission = admission;
        this.holds = holds;
    }

    @Override
    public void resynchronise() {
        try {
            admission.refresh();
            reconciler.resynchronise();
        } catch (RuntimeException e) {
            LOG.warn("not resynchronised with the warden, which will happen at its next connection: {}", e.getMessage());
        }
    }

    @Override
    public void onEvent(WardenEvent event) {
        switch (event) {
            case WardenEvent.Exited exited -> registry.find(exited.sandbox())
                    .ifPresent(owner -> owner.enqueue(new SandboxCommand.GuestEnded(reasonOf(exited), exited.oom())));
            case WardenEvent.PoolMark mark -> {
                meters.poolMark(mark.level());
                holds.set(mark.frozen());
                admission.mark(mark.level() != WardenEvent.PoolMark.Level.OK);
                LOG.warn("pool: {}, {} bytes free, frozen: {}", mark.level(), mark.freeBytes(), mark.frozen());
            }
            case WardenEvent.Oom oom -> LOG.info("sandbox {}: a process was killed for lack of memory", oom.sandbox());
            case WardenEvent.SlotLost lost -> warm.lost(lost.slot());
        }
    }

    /**
     * The status is as waitpid(2) gives it: the low 7 bits are a signal, the next byte an exit code. It
     * is negative where the warden is not the parent and could not learn it.
     */
    private static String reasonOf(WardenEvent.Exited exited) {
        if (exited.status() < 0) {
            return exited.oom() ? "it ran out of memory and was killed" : "its first process ended";
        }
        int signal = exited.status() & 0x7f;
        String how = signal != 0 ? "signal " + signal : "exit code " + ((exited.status() >> 8) & 0xff);
        return exited.oom()
                ? "its first process was killed for lack of memory (" + how + ")"
                : "its first process ended (" + how + ")";
    }
}
