package dev.atoll.http;

/** Stands in front of handlers: authentication, headers, limits. */
@FunctionalInterface
public interface Filter {
    /** Answers itself, throws, or returns what {@code next} answers. */
    Response apply(Request request, Handler next) throws Exception;

    /** This filter before that handler. */
    default Handler before(Handler next) {
        return request -> apply(request, next);
    }
}
