package dev.atoll.guest;

import dev.atoll.domain.Ports.Listener;
import dev.atoll.domain.Ports.Pipe;
import dev.atoll.guest.proto.Dial;
import dev.atoll.guest.proto.PortList;
import dev.atoll.guest.proto.Ports;
import dev.atoll.guest.proto.Reply;
import dev.atoll.guest.proto.Reply.ResultCase;
import dev.atoll.guest.proto.Request;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Ports over an endpoint's connections. */
final class SocketPorts implements GuestPorts {
    private final SocketEndpoint endpoint;

    SocketPorts(SocketEndpoint endpoint) {
        this.endpoint = endpoint;
    }

    @Override
    public List<Listener> listening() {
        PortList list = endpoint.quick(
                        Request.newBuilder().setPorts(Ports.getDefaultInstance()), ResultCase.PORTS)
                .getPorts();
        return Decoding.orUnavailable(() -> {
            List<Listener> listeners = new ArrayList<>(list.getPortsCount());
            for (var port : list.getPortsList()) {
                listeners.add(Decode.listener(port));
            }
            return listeners;
        });
    }

    @Override
    public Pipe dial(int port) {
        GuestConnection connection = endpoint.begin(
                Request.newBuilder().setDial(Dial.newBuilder().setPort(port)).build(),
                endpoint.timeouts().reply());
        try {
            Reply reply = connection.reply();
            Decode.expect(reply, ResultCase.OK);
            if (reply.hasError()) {
                endpoint.release(connection);
                throw Decode.error(reply.getError());
            }
            connection.noDeadline();
            return new SocketPipe(endpoint, connection);
        } catch (IOException e) {
            throw endpoint.fail(connection, e);
        }
    }
}
