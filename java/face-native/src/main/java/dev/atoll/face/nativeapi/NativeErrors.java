package dev.atoll.face.nativeapi;

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
import dev.atoll.http.ErrorMapper;
import dev.atoll.http.HttpException;
import dev.atoll.http.InvalidInputException;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;

/** {@code {"error":{"code","message","field","value","allowed","state"},"requestId"}}. */
final class NativeErrors implements ErrorMapper {
    /** What a client reads of an error; absent parts are left out. */
    record ErrorJson(
            String code,
            String message,
            Optional<String> field,
            Optional<String> value,
            Optional<String> allowed,
            Optional<String> state) {}

    record Envelope(ErrorJson error, String requestId) {}

    private record Mapped(int status, ErrorJson error) {}

    @Override
    public Response map(Request request, Throwable error) {
        Mapped mapped = explain(error);
        Response response =
                Response.json(new Envelope(mapped.error(), request.id())).withStatus(mapped.status());
        return mapped.status() == 429 || mapped.status() == 503 ? retryLater(response, error) : response;
    }

    /** The error alone, for streams and sockets that are past their status. */
    static ErrorJson describe(Throwable error) {
        return explain(error).error();
    }

    private static Response retryLater(Response response, Throwable error) {
        return error instanceof HttpException ? response : response.with("Retry-After", "1");
    }

    private static Mapped explain(Throwable error) {
        return switch (error) {
            case InvalidInputException e -> invalid(e.field(), e.value(), e.allowed(), text(e));
            case HttpException e -> plain(e.status(), e.code(), text(e));
            case AtollException e -> explain(e);
            default -> plain(500, "internal", "something went wrong inside; the log has it under the request's id");
        };
    }

    private static Mapped explain(AtollException error) {
        String message = text(error);
        return switch (error) {
            case InvalidFieldException e -> invalid(e.field(), e.value(), e.allowed(), message);
            case NotFoundException e -> new Mapped(
                    404,
                    new ErrorJson(
                            "not_found",
                            message,
                            Optional.of(e.kind()),
                            Optional.of(e.reference()),
                            Optional.empty(),
                            Optional.empty()));
            case ConflictException _ -> plain(409, "conflict", message);
            case WrongStateException e -> new Mapped(
                    409,
                    new ErrorJson(
                            "wrong_state",
                            message,
                            Optional.empty(),
                            Optional.empty(),
                            Optional.empty(),
                            Optional.of(Names.of(e.state()))));
            case CapacityException e -> plain(
                    switch (e.what()) {
                        case QUOTA, RATE, CONNECTIONS -> 429;
                        case POOL, SLOTS, MEMORY -> 503;
                    },
                    "capacity_" + e.what().name().toLowerCase(Locale.ROOT),
                    message);
            case UnsupportedException _ -> plain(422, "unsupported", message);
            case ForbiddenException _ -> plain(403, "forbidden", message);
            case UnavailableException _ -> plain(503, "unavailable", message);
            case ImageException e -> plain(
                    switch (e.reason()) {
                        case UNKNOWN -> 404;
                        case TOO_LARGE -> 413;
                        case NO_PLATFORM -> 422;
                        case REFUSED, UNREACHABLE, STALLED, CUT, WRONG_DIGEST, MALFORMED -> 502;
                    },
                    "image_" + e.reason().name().toLowerCase(Locale.ROOT),
                    message);
            case GuestException e -> new Mapped(
                    status(e.code()),
                    new ErrorJson(
                            "guest_" + e.code().name().toLowerCase(Locale.ROOT),
                            message,
                            e.field().isEmpty() ? Optional.empty() : Optional.of(e.field()),
                            Optional.empty(),
                            Optional.empty(),
                            Optional.empty()));
        };
    }

    private static int status(GuestException.Code code) {
        return switch (code) {
            case NOT_FOUND, NO_SUCH_PROCESS -> 404;
            case PERMISSION_DENIED -> 403;
            case EXISTS, NOT_EMPTY, BUSY, STALE_OFFSET -> 409;
            case NOT_DIRECTORY, IS_DIRECTORY, INVALID, NO_SUCH_USER, NOT_EXECUTABLE, NO_SUCH_COMMAND, LOOP, NAME_TOO_LONG ->
                400;
            case TOO_LARGE -> 413;
            case NO_SPACE -> 507;
            case UNSUPPORTED -> 422;
            case TOO_MANY -> 429;
            case CONNECTION_REFUSED, IO, UNKNOWN -> 502;
        };
    }

    private static Mapped invalid(String field, String value, String allowed, String message) {
        return new Mapped(
                400,
                new ErrorJson(
                        "invalid",
                        message,
                        field.isEmpty() ? Optional.empty() : Optional.of(field),
                        Optional.of(value),
                        Optional.of(allowed),
                        Optional.empty()));
    }

    private static Mapped plain(int status, String code, String message) {
        return new Mapped(
                status,
                new ErrorJson(
                        code, message, Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty()));
    }

    private static String text(Throwable error) {
        return Objects.requireNonNullElse(error.getMessage(), "");
    }
}
