package dev.atoll.engine;

import dev.atoll.guest.GuestEndpoint;
import dev.atoll.warden.SlotId;
import dev.atoll.warden.SlotKind;

/** A slot that no sandbox has claimed, with the socket that the guest of its claimer will dial. */
record PreparedSlot(SlotId id, SlotKind kind, GuestEndpoint endpoint) {}
