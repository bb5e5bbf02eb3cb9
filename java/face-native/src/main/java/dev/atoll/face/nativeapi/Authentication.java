package dev.atoll.face.nativeapi;

import dev.atoll.domain.Caller;
import dev.atoll.domain.ForbiddenException;
import dev.atoll.domain.Keys;
import dev.atoll.http.Filter;
import dev.atoll.http.Handler;
import dev.atoll.http.HttpException;
import dev.atoll.http.Request;
import dev.atoll.http.RequestKey;
import dev.atoll.http.Response;
import java.util.Map;

/** {@code Authorization: Bearer <key>} (RFC 6750). */
final class Authentication implements Filter {
    private static final RequestKey<Caller> CALLER = new RequestKey<>(Caller.class);
    private static final String SCHEME = "Bearer ";

    private final Keys keys;

    Authentication(Keys keys) {
        this.keys = keys;
    }

    @Override
    public Response apply(Request request, Handler next) throws Exception {
        String header = request.header("Authorization")
                .orElseThrow(() -> unauthorized("no Authorization header; allowed: Bearer <key>"));
        if (!header.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
            throw unauthorized("the Authorization header has another scheme; allowed: Bearer <key>");
        }
        Caller caller = keys.authenticate(header.substring(SCHEME.length()).strip())
                .orElseThrow(() -> unauthorized("there is no such key, or it was revoked"));
        request.put(CALLER, caller);
        return next.handle(request);
    }

    /** Whose key the request came with. */
    static Caller caller(Request request) {
        return request.get(CALLER);
    }

    /** @throws ForbiddenException unless the key is an operator's */
    static Caller operator(Request request) {
        Caller caller = caller(request);
        if (!caller.operator()) {
            throw new ForbiddenException("this call needs an operator's key");
        }
        return caller;
    }

    private static HttpException unauthorized(String message) {
        return new HttpException(401, "unauthorized", message, Map.of("WWW-Authenticate", "Bearer realm=\"atoll\""));
    }
}
