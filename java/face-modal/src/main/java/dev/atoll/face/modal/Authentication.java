package dev.atoll.face.modal;

import dev.atoll.domain.Caller;
import dev.atoll.domain.Keys;
import dev.atoll.grpc.Call;
import dev.atoll.grpc.GrpcException;
import dev.atoll.grpc.Status;

/** Finds the caller behind the two halves of the vendor's token: the secret is a key of Atoll, the id says nothing. */
final class Authentication {
    private final Keys keys;

    Authentication(Keys keys) {
        this.keys = keys;
    }

    Caller caller(Call call) {
        if (call.metadata("x-modal-token-id").orElse("").isEmpty()) {
            throw new GrpcException(Status.UNAUTHENTICATED, "Token missing. MODAL_TOKEN_ID and MODAL_TOKEN_SECRET must be set.");
        }
        return call.metadata("x-modal-token-secret")
                .flatMap(keys::authenticate)
                .orElseThrow(() -> new GrpcException(
                        Status.UNAUTHENTICATED, "Token ID or secret invalid. MODAL_TOKEN_SECRET must be an API key of this server."));
    }
}
