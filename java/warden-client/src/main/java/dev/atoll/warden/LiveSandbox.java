package dev.atoll.warden;

import dev.atoll.domain.NetworkPolicy;
import dev.atoll.domain.SandboxId;

/**
 * A sandbox whose PID 1 lives; {@link Claimed} explains the fields.
 *
 * @param frozen stopped by {@link Warden#freeze}
 * @param held stopped by the warden itself, which lets it go on when the pool has room
 * @param network in force. A link that was never up is OPEN here
 */
public record LiveSandbox(
        SandboxId id,
        SlotId slot,
        int pid,
        long startTime,
        boolean frozen,
        boolean held,
        String address,
        int index,
        NetworkPolicy network) {}
