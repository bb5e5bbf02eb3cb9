package dev.atoll.guest;

import dev.atoll.domain.FileWatch;
import dev.atoll.domain.WatchEvent;
import dev.atoll.guest.proto.Reply;
import dev.atoll.guest.proto.Reply.ResultCase;
import java.io.IOException;
import java.util.Optional;

/** A watch, which has its connection to itself until it is closed. */
final class SocketWatch implements FileWatch {
    private final SocketEndpoint endpoint;
    private final GuestConnection connection;

    SocketWatch(SocketEndpoint endpoint, GuestConnection connection) {
        this.endpoint = endpoint;
        this.connection = connection;
    }

    @Override
    public Optional<WatchEvent> next() {
        try {
            while (true) {
                Reply reply = connection.reply();
                Decode.expect(reply, ResultCase.EVENT);
                if (reply.hasError()) {
                    close();
                    throw Decode.error(reply.getError());
                }
                Optional<WatchEvent> event = Decode.watchEvent(reply.getEvent());
                if (event.isPresent()) {
                    return event;
                }
            }
        } catch (ProtocolException e) {
            throw endpoint.fail(connection, e);
        } catch (IOException e) {
            // Closed here, or the sandbox is gone: both are the end of the events.
            close();
            return Optional.empty();
        }
    }

    @Override
    public void close() {
        endpoint.discard(connection);
    }
}
