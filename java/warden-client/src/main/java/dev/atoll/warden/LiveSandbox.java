package dev.atoll.warden;

import dev.atoll.domain.SandboxId;

/** A sandbox whose PID 1 lives; {@link Claimed} explains the fields. */
public record LiveSandbox(
        SandboxId id, SlotId slot, int pid, long startTime, boolean frozen, String address, int index) {}
