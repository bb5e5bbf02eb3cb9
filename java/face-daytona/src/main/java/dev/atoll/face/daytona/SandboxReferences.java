package dev.atoll.face.daytona;

import dev.atoll.domain.Caller;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.Sandboxes;
import java.util.Optional;

/** Finds sandboxes by what the vendor calls {@code sandboxIdOrName}. */
final class SandboxReferences {
    private final Sandboxes sandboxes;

    SandboxReferences(Sandboxes sandboxes) {
        this.sandboxes = sandboxes;
    }

    /**
     * An id that is well formed is taken as it is; whether it exists, the call it is for will find out.
     *
     * @throws NotFoundException when it is neither an id nor the name of a living sandbox
     */
    SandboxId id(Caller caller, String reference) {
        Optional<String> hex = VendorIds.hex(reference);
        return hex.isPresent() ? new SandboxId(hex.get()) : byName(caller, reference).id();
    }

    /** @throws NotFoundException when there is no such sandbox */
    Sandbox get(Caller caller, String reference) {
        Optional<String> hex = VendorIds.hex(reference);
        if (hex.isEmpty()) {
            return byName(caller, reference);
        }
        try {
            return sandboxes.get(caller, new SandboxId(hex.get()));
        } catch (NotFoundException e) {
            throw new NotFoundException("sandbox", reference);
        }
    }

    private Sandbox byName(Caller caller, String name) {
        return sandboxes.findByName(caller, name).orElseThrow(() -> new NotFoundException("sandbox", name));
    }
}
