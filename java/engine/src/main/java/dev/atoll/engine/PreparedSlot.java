package dev.atoll.engine;

import dev.atoll.guest.GuestEndpoint;
import dev.atoll.warden.SlotId;
import dev.atoll.warden.SlotKind;

/**
 * A slot that no sandbox has claimed, with the socket that its guest has dialled, or will dial.
 *
 * @param address IPv4 address of the sandbox that will claim it
 */
record PreparedSlot(SlotId id, SlotKind kind, GuestEndpoint endpoint, String address) {}
