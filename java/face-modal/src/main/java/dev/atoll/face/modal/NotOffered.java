package dev.atoll.face.modal;

import dev.atoll.grpc.GrpcException;
import dev.atoll.grpc.Status;

/** Parts of requests that this server has nothing for are refused by name, never ignored. */
final class NotOffered {
    private NotOffered() {}

    /** @throws GrpcException UNIMPLEMENTED with the part's name, unless the client does not ask for it */
    static void unless(boolean absent, String what) {
        if (!absent) {
            throw new GrpcException(Status.UNIMPLEMENTED, what + " are not offered by this server");
        }
    }
}
