package dev.atoll.engine;

import dev.atoll.domain.AtollException;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.LayerId;
import dev.atoll.domain.NetworkPolicy;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.Sandbox;
import dev.atoll.guest.Configuring;
import dev.atoll.guest.GuestConfig;
import dev.atoll.guest.GuestConfig.Host;
import dev.atoll.warden.Claim;
import dev.atoll.warden.Claimed;
import dev.atoll.warden.DiskSource;
import dev.atoll.warden.Limits;
import dev.atoll.warden.Profile;
import dev.atoll.warden.SlotKind;
import dev.atoll.warden.Warden;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings a generation to life: slot, claim, the guest's configuration. Runs no host
 * program and touches no file system but through the warden. What fails half-way is taken back
 * before the failure is thrown.
 */
final class Boot {
    private static final Logger LOG = LoggerFactory.getLogger(Boot.class);
    private static final int ENTROPY_BYTES = 64;
    /** The warden has set it at the claim; inside a container nobody may. */
    private static final String HOSTNAME_OF_THE_CLAIM = "";
    /** A warm slot may have died unnoticed (the warden was killed): then another one is taken. */
    private static final int ATTEMPTS = 3;

    private final EngineConfig config;
    private final Warden warden;
    private final WarmPools warm;
    private final SlotFactory slots;
    private final MakingGate gate;
    private final Ids ids;
    private final NodeFacts facts;
    private final EngineMeters meters;
    private final Semaphore atOnce;

    Boot(
            EngineConfig config,
            Warden warden,
            WarmPools warm,
            SlotFactory slots,
            MakingGate gate,
            Ids ids,
            NodeFacts facts,
            EngineMeters meters) {
        this.config = config;
        this.warden = warden;
        this.warm = warm;
        this.slots = slots;
        this.gate = gate;
        this.ids = ids;
        this.facts = facts;
        this.meters = meters;
        this.atOnce = new Semaphore(config.createsAtOnce(), true);
    }

    /**
     * A sandbox that lives; what it was told is on its way.
     *
     * @param goesOn from saved memory, with its link down
     */
    record Claimant(PreparedSlot slot, Claimed claimed, Configuring configuring, boolean goesOn) {}

    /** Runs a whole create or start: somebody waits for it, so the making of warm slots holds back. */
    void ahead(Runnable createOrStart) {
        warm.bootBegan();
        try {
            createOrStart.run();
        } finally {
            warm.bootEnded();
        }
    }

    /**
     * Claims a slot; more than the configured number at once wait here in the order they came.
     *
     * @param sandbox as it will be, with the generation that begins
     * @param secretEnv over the sandbox's environment
     */
    Claimant claim(Sandbox sandbox, Map<String, String> secretEnv, List<LayerId> layers, DiskSource disk) {
        atOnce.acquireUninterruptibly();
        try {
            for (int attempt = 1; ; attempt++) {
                PreparedSlot slot = take(sandbox, layers, disk);
                try {
                    Claim claim = claimOf(slot, sandbox, layers, disk);
                    // A guest that runs ahead reads it as soon as it has its root.
                    Configuring configuring =
                            slot.endpoint().configureAhead(configurationOf(sandbox, secretEnv, slot.address()));
                    Claimed claimed = gate.make(() -> warden.claim(claim));
                    slots.claimed(slot.id());
                    return new Claimant(slot, claimed, configuring, disk instanceof DiskSource.OfMemory);
                } catch (NotFoundException e) {
                    giveUp(sandbox, slot);
                    if (!e.kind().equals("slot") || attempt == ATTEMPTS) {
                        throw e;
                    }
                } catch (RuntimeException e) {
                    giveUp(sandbox, slot);
                    throw e;
                }
            }
        } finally {
            atOnce.release();
        }
    }

    /** Waits until the guest knows who it is. On failure the sandbox is killed; its disk stays. */
    Occupancy introduce(Sandbox sandbox, Claimant claimant) {
        PreparedSlot slot = claimant.slot();
        try {
            slot.endpoint().awaitConnected(config.dialTimeout());
            claimant.configuring().await();
            if (claimant.goesOn() && !(sandbox.network() instanceof NetworkPolicy.None)) {
                warden.setNetwork(sandbox.id(), sandbox.network());
            }
            return new Occupancy(
                    slot.id(), slot.endpoint(), sandbox.generation(), OomVerdicts.ofBoot(warden, sandbox.id()));
        } catch (RuntimeException e) {
            giveUp(sandbox, slot);
            throw e;
        }
    }

    /** Ends a sandbox that shall not live after all; failing that, the next reconciliation does it. */
    void giveUp(Sandbox sandbox, PreparedSlot slot) {
        try {
            warden.kill(sandbox.id());
        } catch (AtollException e) {
            LOG.warn("sandbox {} could not be killed: {}", sandbox.id(), e.getMessage());
        }
        slots.discard(slot);
    }

    /** What a guest is told at a boot; also after a re-adoption, should it not know. */
    GuestConfig configurationOf(Sandbox sandbox, Map<String, String> secretEnv, String address) {
        return configurationOf(
                sandbox,
                secretEnv,
                List.of(
                        new Host("127.0.0.1", List.of("localhost")),
                        new Host("::1", List.of("localhost", "ip6-localhost", "ip6-loopback")),
                        new Host(address, List.of(Hostnames.of(sandbox)))));
    }

    /** As it was told at its boot, but for the resolver: its network came after that. */
    GuestConfig reconfigurationOf(Sandbox sandbox, Map<String, String> secretEnv) {
        return configurationOf(sandbox, secretEnv, List.of());
    }

    private GuestConfig configurationOf(Sandbox sandbox, Map<String, String> secretEnv, List<Host> hosts) {
        Map<String, String> env = new HashMap<>(config.trustEnv());
        env.putAll(sandbox.env());
        env.putAll(secretEnv);
        return new GuestConfig(
                sandbox.generation(),
                sandbox.isolation() == Isolation.CONTAINER ? HOSTNAME_OF_THE_CLAIM : Hostnames.of(sandbox),
                env,
                sandbox.user(),
                sandbox.workdir(),
                ids.bytes(ENTROPY_BYTES),
                config.spoolBytes(),
                hosts,
                sandbox.network() instanceof NetworkPolicy.None ? List.of() : List.of(facts.gateway()),
                config.keptProcesses());
    }

    /** A warm slot of the sandbox's class; where none fits or is left, one is made now. */
    private PreparedSlot take(Sandbox sandbox, List<LayerId> layers, DiskSource disk) {
        // Volumes are mounted when the root is entered.
        List<LayerId> root = isDefault(disk) && sandbox.volumes().isEmpty() ? layers : List.of();
        Optional<PreparedSlot> slot = switch (sandbox.isolation()) {
            case CONTAINER -> warm.container(root);
            case GVISOR -> root.isEmpty() ? Optional.empty() : warm.sentry(root);
            case MICROVM -> Optional.empty();
        };
        meters.slotTaken(slot.isPresent());
        return slot.orElseGet(() -> slots.make(switch (sandbox.isolation()) {
            case CONTAINER -> new SlotKind(Isolation.CONTAINER, root);
            case GVISOR, MICROVM -> SlotKind.of(sandbox.isolation());
        }));
    }

    /** Sandboxes that run in advance have a disk already. */
    private boolean isDefault(DiskSource disk) {
        return disk instanceof DiskSource.Fresh(long bytes) && bytes == config.defaults().diskBytes();
    }

    private static Claim claimOf(PreparedSlot slot, Sandbox sandbox, List<LayerId> layers, DiskSource disk) {
        return new Claim(
                slot.id(),
                sandbox.id(),
                layers,
                disk,
                limitsOf(sandbox),
                Hostnames.of(sandbox),
                sandbox.network(),
                Profile.STANDARD,
                sandbox.volumes());
    }

    static Limits limitsOf(Sandbox sandbox) {
        return new Limits(sandbox.resources().cpuMillis(), sandbox.resources().memoryBytes(), 0);
    }
}
