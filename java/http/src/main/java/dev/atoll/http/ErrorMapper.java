package dev.atoll.http;

/** Turns what a handler threw, or what the listener itself refuses, into a vendor's answer. */
@FunctionalInterface
public interface ErrorMapper {
    /**
     * Called for every exception, on the request's thread or, for requests that are refused before
     * they reach a handler, on one of the listener's: it must not block. The listener refuses with
     * {@link HttpException}.
     */
    Response map(Request request, Throwable error);
}
