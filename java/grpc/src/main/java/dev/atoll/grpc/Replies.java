package dev.atoll.grpc;

import com.google.protobuf.MessageLite;
import dev.atoll.http.ResponseStream;
import java.io.IOException;

/** The messages of a streamed answer. Belongs to the call's thread. */
public final class Replies<T extends MessageLite> {
    private final ResponseStream out;

    Replies(ResponseStream out) {
        this.out = out;
    }

    /**
     * Blocks until the connection took it.
     *
     * @throws IOException when the client is gone
     */
    public void send(T message) throws IOException {
        out.write(Framing.frame(message));
    }

    /** Sends the headers though there is no message yet. */
    public void begin() throws IOException {
        out.flush();
    }
}
