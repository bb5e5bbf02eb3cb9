package dev.atoll.face.modal;

import dev.atoll.domain.Caller;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.Sandboxes;
import dev.atoll.grpc.GrpcException;
import dev.atoll.grpc.Status;
import java.time.Duration;
import java.util.function.Supplier;

/** Sandboxes by the vendor's ids, those included that have ended and are still remembered. */
final class Lookup {
    private final Sandboxes sandboxes;

    Lookup(Sandboxes sandboxes) {
        this.sandboxes = sandboxes;
    }

    /** @throws GrpcException NOT_FOUND with the vendor's id */
    Sandbox get(Caller caller, SandboxId id, String vendorId) {
        return orNotFound(vendorId, () ->
                sandboxes.awaitEnd(caller, id, Duration.ZERO).orElseGet(() -> sandboxes.get(caller, id)));
    }

    static <T> T orNotFound(String vendorId, Supplier<T> call) {
        try {
            return call.get();
        } catch (NotFoundException e) {
            if (e.kind().equals("sandbox")) {
                throw new GrpcException(Status.NOT_FOUND, "Sandbox with ID '" + vendorId + "' not found");
            }
            throw e;
        }
    }

    static boolean ended(Sandbox sandbox) {
        return sandbox.state() == SandboxState.DELETED;
    }
}
