package dev.atoll.http;

/** Writes the body of a response on the request's thread. */
@FunctionalInterface
public interface StreamWriter {
    /**
     * When it throws before the first byte, the error mapper answers; after it the connection is
     * cut, so that the client does not take the part for the whole.
     */
    void write(ResponseStream out) throws Exception;
}
