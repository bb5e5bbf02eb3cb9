package dev.atoll.engine;

import dev.atoll.domain.CapacityException;
import dev.atoll.domain.Hold;
import dev.atoll.domain.SandboxId;
import dev.atoll.warden.Inventory;
import dev.atoll.warden.LiveSandbox;
import dev.atoll.warden.Warden;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Which sandboxes the warden keeps stopped because the pool is nearly full, as it told last. Nothing of
 * it is journalled: it ends by itself, and the warden remembers it over a restart of either side.
 */
final class PoolHolds {
    private final Warden warden;
    private volatile Set<SandboxId> held = Set.of();

    PoolHolds(Warden warden) {
        this.warden = warden;
    }

    /** What an event of the warden's said: all that are held now. */
    void set(Collection<SandboxId> all) {
        held = Set.copyOf(all);
    }

    void set(Inventory found) {
        held = found.live().stream().filter(LiveSandbox::held).map(LiveSandbox::id).collect(Collectors.toUnmodifiableSet());
    }

    int count() {
        return held.size();
    }

    Optional<Hold> of(SandboxId sandbox) {
        return held.contains(sandbox) ? Optional.of(Hold.POOL_FULL) : Optional.empty();
    }

    /**
     * Nobody waits for a guest that cannot answer. The warden is asked before each refusal: an event that
     * was lost must not refuse for ever.
     *
     * @throws CapacityException POOL while it is held
     */
    void requireFree(SandboxId sandbox) {
        if (!held.contains(sandbox)) {
            return;
        }
        set(warden.listAll());
        if (held.contains(sandbox)) {
            throw new CapacityException(CapacityException.What.POOL,
                    "sandbox " + sandbox + " stands still because the pool is nearly full; it goes on by itself when there is room again");
        }
    }
}
