package dev.atoll.face.modal;

import dev.atoll.domain.AtollException;
import dev.atoll.domain.CapacityException;
import dev.atoll.domain.ConflictException;
import dev.atoll.domain.ForbiddenException;
import dev.atoll.domain.GuestException;
import dev.atoll.domain.ImageException;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.UnavailableException;
import dev.atoll.domain.UnsupportedException;
import dev.atoll.domain.WrongStateException;
import dev.atoll.grpc.GrpcException;
import dev.atoll.grpc.Status;

/**
 * What the domain refuses as the status by which clients choose their exception. They try UNAVAILABLE,
 * INTERNAL and UNKNOWN again, so those are for what may pass.
 */
final class Failures {
    private Failures() {}

    static GrpcException of(Exception error) {
        return switch (error) {
            // By ids that the client knows: ours are spelled otherwise.
            case NotFoundException missing when missing.kind().equals("sandbox") ->
                new GrpcException(Status.NOT_FOUND, "Sandbox not found. It may have already shut down.");
            case AtollException refused -> new GrpcException(status(refused), String.valueOf(refused.getMessage()));
            default -> new GrpcException(Status.INTERNAL, "internal error; the server's log says more");
        };
    }

    private static Status status(AtollException refused) {
        return switch (refused) {
            case InvalidFieldException _ -> Status.INVALID_ARGUMENT;
            case NotFoundException _ -> Status.NOT_FOUND;
            case ConflictException _ -> Status.ALREADY_EXISTS;
            case WrongStateException _ -> Status.FAILED_PRECONDITION;
            case CapacityException _ -> Status.RESOURCE_EXHAUSTED;
            case UnsupportedException _ -> Status.UNIMPLEMENTED;
            case ForbiddenException _ -> Status.PERMISSION_DENIED;
            case UnavailableException _ -> Status.UNAVAILABLE;
            case ImageException image -> switch (image.reason()) {
                case UNKNOWN -> Status.NOT_FOUND;
                case REFUSED -> Status.PERMISSION_DENIED;
                case UNREACHABLE, STALLED, CUT -> Status.UNAVAILABLE;
                case WRONG_DIGEST, MALFORMED, NO_PLATFORM -> Status.FAILED_PRECONDITION;
                case TOO_LARGE -> Status.RESOURCE_EXHAUSTED;
            };
            case GuestException inside -> status(inside.code());
        };
    }

    private static Status status(GuestException.Code code) {
        return switch (code) {
            case NOT_FOUND, NO_SUCH_PROCESS -> Status.NOT_FOUND;
            case NO_SUCH_COMMAND, NOT_EXECUTABLE, NO_SUCH_USER, INVALID, NOT_DIRECTORY, IS_DIRECTORY, LOOP,
                    NAME_TOO_LONG -> Status.INVALID_ARGUMENT;
            case PERMISSION_DENIED -> Status.PERMISSION_DENIED;
            case EXISTS -> Status.ALREADY_EXISTS;
            case TOO_LARGE, NO_SPACE, TOO_MANY -> Status.RESOURCE_EXHAUSTED;
            case NOT_EMPTY, BUSY, CONNECTION_REFUSED, STALE_OFFSET -> Status.FAILED_PRECONDITION;
            case UNSUPPORTED -> Status.UNIMPLEMENTED;
            case IO, UNKNOWN -> Status.UNKNOWN;
        };
    }
}
