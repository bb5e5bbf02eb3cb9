package dev.atoll.engine;

import dev.atoll.domain.ActivityKind;
import dev.atoll.domain.Caller;
import dev.atoll.domain.SandboxId;
import dev.atoll.guest.GuestEndpoint;

/** How a call reaches the guest of a sandbox: owner, project and state are checked, the use is marked. */
final class GuestCalls {
    private final SandboxRegistry registry;

    GuestCalls(SandboxRegistry registry) {
        this.registry = registry;
    }

    SandboxOwner owner(Caller caller, SandboxId sandbox) {
        SandboxOwner owner = registry.require(caller, sandbox);
        owner.use(ActivityKind.API_CALL);
        return owner;
    }

    /** @param operation what the caller wants, for the message when the state forbids it */
    GuestEndpoint guest(Caller caller, SandboxId sandbox, String operation) {
        return owner(caller, sandbox).guest(operation);
    }
}
