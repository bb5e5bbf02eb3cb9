package dev.atoll.guest;

import dev.atoll.guest.proto.Reply;
import dev.atoll.guest.proto.Reply.ResultCase;
import java.io.IOException;

/** A configuration on its way: on a connection, without a deadline until somebody waits for it. */
final class SocketConfiguring implements Configuring {
    private final SocketEndpoint endpoint;
    private final GuestConnection connection;
    private final long generation;

    SocketConfiguring(SocketEndpoint endpoint, GuestConnection connection, long generation) {
        this.endpoint = endpoint;
        this.connection = connection;
        this.generation = generation;
    }

    @Override
    public void await() {
        connection.deadline(endpoint.timeouts().reply());
        Reply reply;
        try {
            reply = connection.reply();
            Decode.expect(reply, ResultCase.OK);
        } catch (IOException e) {
            throw endpoint.fail(connection, e);
        }
        endpoint.release(connection);
        Decode.throwIfError(reply);
        endpoint.configured(generation);
    }
}
