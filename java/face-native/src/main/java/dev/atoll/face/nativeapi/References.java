package dev.atoll.face.nativeapi;

import dev.atoll.domain.Caller;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.Sandboxes;
import dev.atoll.http.Request;
import java.util.regex.Pattern;

/** A sandbox is addressed by id or by name; what has the form of an id is one. */
final class References {
    private static final Pattern ID = Pattern.compile("[0-9a-f]{32}");

    private final Sandboxes sandboxes;

    References(Sandboxes sandboxes) {
        this.sandboxes = sandboxes;
    }

    /** The sandbox that the path names. */
    SandboxId sandbox(Request request) {
        return sandbox(Authentication.caller(request), request.pathParameter("sandbox"));
    }

    SandboxId sandbox(Caller caller, String reference) {
        if (ID.matcher(reference).matches()) {
            return new SandboxId(reference);
        }
        return sandboxes
                .findByName(caller, reference)
                .map(Sandbox::id)
                .orElseThrow(() -> new NotFoundException("sandbox", reference));
    }
}
