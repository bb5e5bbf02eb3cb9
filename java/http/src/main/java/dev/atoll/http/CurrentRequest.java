package dev.atoll.http;

import java.util.Optional;

/**
 * The request that the current thread answers, for what stands beside the handlers: the audit, traces.
 * Bound for the handler, the writer of a streamed body and the handler of a WebSocket.
 *
 * @param id as {@link Request#id}
 * @param from the client's address, without its port
 */
public record CurrentRequest(String id, String from) {
    /** In the context of every line that is logged for a request ({@link org.slf4j.MDC}). */
    public static final String LOG_KEY = "request";

    static final ScopedValue<CurrentRequest> BOUND = ScopedValue.newInstance();

    /** Empty on threads that answer none. */
    public static Optional<CurrentRequest> get() {
        return BOUND.isBound() ? Optional.of(BOUND.get()) : Optional.empty();
    }
}
