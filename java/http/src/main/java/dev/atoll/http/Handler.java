package dev.atoll.http;

/** Answers one request. Runs on a virtual thread of the request's own and may block. */
@FunctionalInterface
public interface Handler {
    /** An exception becomes a response through the listener's {@link ErrorMapper}. */
    Response handle(Request request) throws Exception;
}
