package dev.atoll.face.daytona;

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
import dev.atoll.http.HttpException;
import java.util.Locale;
import java.util.Map;

/**
 * An error as the vendor would answer it.
 *
 * @param code for the toolbox's errors, as the vendor's daemon names it
 * @param headers belong on the response
 */
record Failure(int status, String code, String message, Map<String, String> headers) {

    static Failure of(Throwable error) {
        return switch (error) {
            case AtollException e -> ofDomain(e);
            case HttpException e -> new Failure(e.status(), e.code().toUpperCase(Locale.ROOT), String.valueOf(e.getMessage()), e.headers());
            default -> failure(500, "INTERNAL_ERROR", "Internal server error");
        };
    }

    private static Failure ofDomain(AtollException error) {
        String message = String.valueOf(error.getMessage());
        return switch (error) {
            case InvalidFieldException _ -> failure(400, "BAD_REQUEST", message);
            case NotFoundException e when e.kind().equals("sandbox") ->
                failure(404, "NOT_FOUND", "Sandbox with ID or name " + e.reference() + " not found");
            case NotFoundException _ -> failure(404, "NOT_FOUND", message);
            case ConflictException _ -> failure(409, "CONFLICT", message);
            case WrongStateException _ -> failure(400, "BAD_REQUEST", "Sandbox is not in valid state: " + message);
            case CapacityException e -> switch (e.what()) {
                case QUOTA -> failure(400, "NO_CAPACITY", message);
                case RATE -> failure(429, "TOO_MANY_REQUESTS", message);
                case POOL, SLOTS, MEMORY, CONNECTIONS -> failure(503, "NO_CAPACITY", message);
            };
            case UnsupportedException _ -> failure(422, "NOT_SUPPORTED", message);
            case ForbiddenException _ -> failure(403, "FORBIDDEN", message);
            case UnavailableException _ -> failure(503, "UNAVAILABLE", message);
            case ImageException e -> failure(
                    e.reason() == ImageException.Reason.UNKNOWN ? 404 : 400, "IMAGE_" + e.reason(), message);
            case GuestException e -> ofGuest(e, message);
        };
    }

    private static Failure ofGuest(GuestException error, String message) {
        return switch (error.code()) {
            case NOT_FOUND -> failure(404, "FILE_NOT_FOUND", message);
            case PERMISSION_DENIED -> failure(403, "FILE_ACCESS_DENIED", message);
            case EXISTS, BUSY -> failure(409, "CONFLICT", message);
            case NOT_DIRECTORY, IS_DIRECTORY, NOT_EMPTY, INVALID, LOOP, NAME_TOO_LONG ->
                failure(400, "INVALID_FILE_PATH", message);
            case NO_SUCH_USER, NO_SUCH_COMMAND, NOT_EXECUTABLE, NO_SUCH_PROCESS, CONNECTION_REFUSED, STALE_OFFSET ->
                failure(400, "BAD_REQUEST", message);
            case TOO_LARGE -> failure(413, "TOO_LARGE", message);
            case NO_SPACE -> failure(507, "NO_SPACE", message);
            case TOO_MANY -> failure(429, "TOO_MANY", message);
            case UNSUPPORTED -> failure(422, "NOT_SUPPORTED", message);
            case IO, UNKNOWN -> failure(500, "FILE_READ_FAILED", message);
        };
    }

    private static Failure failure(int status, String code, String message) {
        return new Failure(status, code, message, Map.of());
    }
}
