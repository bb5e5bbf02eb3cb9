package dev.atoll.face.modal;

import dev.atoll.domain.Caller;
import dev.atoll.domain.SandboxId;
import dev.atoll.face.modal.wire.CommandRouterAccess;
import dev.atoll.grpc.Call;

/** Opens the router of one sandbox to the caller. */
final class RouterAccess {
    private final Tokens tokens;
    private final RouterUrl url;

    RouterAccess(Tokens tokens, RouterUrl url) {
        this.tokens = tokens;
        this.url = url;
    }

    /** @param sandbox one that the caller may see */
    CommandRouterAccess open(Caller caller, SandboxId sandbox, Call call) {
        return CommandRouterAccess.newBuilder()
                .setJwt(tokens.ofSandbox(caller, sandbox))
                .setUrl(url.of(call))
                .build();
    }
}
