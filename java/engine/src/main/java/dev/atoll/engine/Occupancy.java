package dev.atoll.engine;

import dev.atoll.guest.GuestEndpoint;
import dev.atoll.warden.SlotId;

/** Where a generation of a sandbox lives: one boot, one slot, one guest. */
record Occupancy(SlotId slot, GuestEndpoint endpoint, long generation, OomVerdicts oom) {}
