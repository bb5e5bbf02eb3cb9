package dev.atoll.face.daytona;

import dev.atoll.http.ErrorMapper;
import dev.atoll.http.Json;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import java.time.Clock;
import java.time.Instant;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The two JSON forms of the vendor's errors: that of the API (apps/api, all-exceptions.filter.ts)
 * and that of the daemon behind the toolbox paths.
 */
final class VendorErrors implements ErrorMapper {
    private static final Logger LOG = LoggerFactory.getLogger(VendorErrors.class);
    private static final Map<Integer, String> REASONS = Map.ofEntries(
            Map.entry(400, "Bad Request"),
            Map.entry(401, "Unauthorized"),
            Map.entry(403, "Forbidden"),
            Map.entry(404, "Not Found"),
            Map.entry(405, "Method Not Allowed"),
            Map.entry(408, "Request Timeout"),
            Map.entry(409, "Conflict"),
            Map.entry(413, "Payload Too Large"),
            Map.entry(415, "Unsupported Media Type"),
            Map.entry(422, "Unprocessable Entity"),
            Map.entry(429, "Too Many Requests"),
            Map.entry(431, "Request Header Fields Too Large"),
            Map.entry(500, "Internal Server Error"),
            Map.entry(501, "Not Implemented"),
            Map.entry(503, "Service Unavailable"),
            Map.entry(507, "Insufficient Storage"));

    /** An error of the API. */
    record ApiError(String path, Instant timestamp, int statusCode, String error, String message) {}

    /** An error of the daemon; {@code path} starts behind the sandbox's id. */
    record ToolboxError(
            int statusCode, String message, String code, Instant timestamp, String path, String method) {}

    private final Clock clock;

    VendorErrors(Clock clock) {
        this.clock = clock;
    }

    @Override
    public Response map(Request request, Throwable error) {
        Failure failure = Failure.of(error);
        if (failure.status() == 500) {
            LOG.error("request {} {} {} failed", request.id(), request.method(), request.path(), error);
        }
        Object body = ToolboxPath.isToolbox(request.path())
                ? toolboxError(failure, ToolboxPath.inside(request.path()), request.method())
                : new ApiError(
                        request.path(), clock.instant(), failure.status(),
                        REASONS.getOrDefault(failure.status(), "Error"), failure.message());
        Response response = Response.json(Json.LENIENT, body).withStatus(failure.status());
        for (var header : failure.headers().entrySet()) {
            response = response.with(header.getKey(), header.getValue());
        }
        return response;
    }

    ToolboxError toolboxError(Failure failure, String path, String method) {
        return new ToolboxError(failure.status(), failure.message(), failure.code(), clock.instant(), path, method);
    }
}
