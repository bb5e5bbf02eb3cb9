package dev.atoll.warden;

/**
 * A prepared slot that no sandbox has claimed.
 *
 * @param index its number on this node, which fixes address and id range
 * @param address IPv4 address of the sandbox that will claim it
 */
public record Slot(SlotId id, int index, String address) {}
