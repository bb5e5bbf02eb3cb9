package dev.atoll.store;

import dev.atoll.domain.LayerId;
import dev.atoll.domain.Sandbox;
import java.util.List;
import java.util.Optional;

/**
 * A sandbox with what the engine needs to find it again.
 *
 * @param layers what its root stands on, lowest first
 * @param slot of the present boot: the warden's name of it and the name of its socket directory
 * @param idempotencyKey of the create; unique in the project
 * @param secretEnv what secrets add to its environment, sealed by the engine
 * @param usageAtBoot its counters when the present boot began; what they grew by since is of this boot
 */
public record SandboxRecord(
        Sandbox sandbox,
        List<LayerId> layers,
        Optional<String> slot,
        Optional<String> idempotencyKey,
        Optional<String> secretEnv,
        Counters usageAtBoot) {
    public SandboxRecord {
        layers = List.copyOf(layers);
    }

    /** One that has not booted yet. */
    public SandboxRecord(
            Sandbox sandbox, List<LayerId> layers, Optional<String> idempotencyKey, Optional<String> secretEnv) {
        this(sandbox, layers, Optional.empty(), idempotencyKey, secretEnv, Counters.ZERO);
    }

    public SandboxRecord withSandbox(Sandbox value) {
        return new SandboxRecord(value, layers, slot, idempotencyKey, secretEnv, usageAtBoot);
    }

    public SandboxRecord withSlot(Optional<String> value) {
        return new SandboxRecord(sandbox, layers, value, idempotencyKey, secretEnv, usageAtBoot);
    }

    public SandboxRecord withIdempotencyKey(Optional<String> value) {
        return new SandboxRecord(sandbox, layers, slot, value, secretEnv, usageAtBoot);
    }

    public SandboxRecord withUsageAtBoot(Counters value) {
        return new SandboxRecord(sandbox, layers, slot, idempotencyKey, secretEnv, value);
    }
}
