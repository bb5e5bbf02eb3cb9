package dev.atoll.grpc;

import com.google.protobuf.Parser;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;

/** The messages of a streamed request. Belongs to the call's thread. */
public final class Messages<T> {
    private final InputStream in;
    private final Parser<T> parser;
    private final int maxBytes;

    Messages(InputStream in, Parser<T> parser, int maxBytes) {
        this.in = in;
        this.parser = parser;
        this.maxBytes = maxBytes;
    }

    /**
     * Blocks for the next one; empty at the end.
     *
     * @throws GrpcException when it is no message of this type or too long
     * @throws IOException when the client is gone
     */
    public Optional<T> next() throws IOException {
        return Framing.read(in, parser, maxBytes);
    }

    /** The only one of a call that sends one. */
    T single() throws IOException {
        return next().orElseThrow(() -> new GrpcException(Status.INVALID_ARGUMENT, "the request has no message"));
    }
}
