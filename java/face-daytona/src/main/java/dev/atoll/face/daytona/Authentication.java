package dev.atoll.face.daytona;

import dev.atoll.domain.Caller;
import dev.atoll.domain.Keys;
import dev.atoll.http.Filter;
import dev.atoll.http.Handler;
import dev.atoll.http.HttpException;
import dev.atoll.http.Request;
import dev.atoll.http.RequestKey;
import dev.atoll.http.Response;
import java.util.Map;
import java.util.Optional;

/** Finds the caller behind the bearer key that the vendor's SDKs send with every request. */
final class Authentication implements Filter {
    private static final String SCHEME = "Bearer ";
    private static final RequestKey<Caller> CALLER = new RequestKey<>(Caller.class);

    private final Keys keys;

    Authentication(Keys keys) {
        this.keys = keys;
    }

    /** Whoever this filter let through. */
    static Caller caller(Request request) {
        return request.get(CALLER);
    }

    @Override
    public Response apply(Request request, Handler next) throws Exception {
        Optional<Caller> caller = request.header("Authorization")
                .filter(h -> h.regionMatches(true, 0, SCHEME, 0, SCHEME.length()))
                .flatMap(h -> keys.authenticate(h.substring(SCHEME.length()).strip()));
        request.put(
                CALLER,
                caller.orElseThrow(() -> new HttpException(
                        401, "unauthorized", "Invalid or missing API key", Map.of("WWW-Authenticate", "Bearer"))));
        return next.handle(request);
    }
}
