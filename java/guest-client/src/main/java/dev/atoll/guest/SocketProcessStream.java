package dev.atoll.guest;

import dev.atoll.domain.ProcessEvent;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessStream;
import dev.atoll.guest.proto.Reply;
import dev.atoll.guest.proto.Reply.ResultCase;
import dev.atoll.guest.proto.Request;
import java.io.IOException;
import java.util.Optional;

/**
 * A connection that is attached to a process. One thread reads events, another may send input.
 *
 * <p>A connection on which input was sent is not used again: what was sent while the process ended
 * may still be on its way, and would reach the guest between two operations.
 */
final class SocketProcessStream implements ProcessStream {
    private final SocketEndpoint endpoint;
    private final GuestConnection connection;
    private final ProcessId id;
    private final int pid;
    private final boolean existed;

    // Guarded by this.
    private boolean ended;
    private boolean sent;

    SocketProcessStream(
            SocketEndpoint endpoint, GuestConnection connection, ProcessId id, int pid, boolean existed) {
        this.endpoint = endpoint;
        this.connection = connection;
        this.id = id;
        this.pid = pid;
        this.existed = existed;
    }

    @Override
    public ProcessId id() {
        return id;
    }

    @Override
    public int pid() {
        return pid;
    }

    @Override
    public boolean existed() {
        return existed;
    }

    @Override
    public Optional<ProcessEvent> next() {
        if (isEnded()) {
            return Optional.empty();
        }
        try {
            while (true) {
                switch (connection.nextFrame()) {
                    case Frame.DATA -> {
                        if (connection.remaining() > 0) {
                            return Optional.of(
                                    new ProcessEvent.Output(ProcessEvent.Stream.STDOUT, connection.payload()));
                        }
                    }
                    case Frame.ERR -> {
                        if (connection.remaining() > 0) {
                            return Optional.of(
                                    new ProcessEvent.Output(ProcessEvent.Stream.STDERR, connection.payload()));
                        }
                    }
                    case Frame.END -> throw new ProtocolException("the guest ended a process's output by END");
                    default -> {
                        return message(connection.message());
                    }
                }
            }
        } catch (IOException e) {
            end(false);
            throw endpoint.fail(connection, e);
        }
    }

    private Optional<ProcessEvent> message(Reply reply) throws ProtocolException {
        Decode.expect(reply, ResultCase.EXITED, ResultCase.GAP, ResultCase.OK);
        return switch (reply.getResultCase()) {
            case GAP -> Optional.of(Decode.gap(reply.getGap()));
            case EXITED -> {
                ProcessEvent exited = new ProcessEvent.Exited(Decode.exit(reply.getExited()));
                end(true);
                yield Optional.of(exited);
            }
            case OK -> {
                end(true);
                yield Optional.empty();
            }
            default -> {
                end(true);
                throw Decode.error(reply.getError());
            }
        };
    }

    private synchronized boolean isEnded() {
        return ended;
    }

    /** @param whole the operation's last reply was read */
    private void end(boolean whole) {
        boolean reusable;
        synchronized (this) {
            if (ended) {
                return;
            }
            ended = true;
            reusable = whole && !sent;
        }
        if (reusable) {
            endpoint.release(connection);
        } else {
            endpoint.discard(connection);
        }
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        send(() -> connection.sendData(bytes, offset, length));
    }

    @Override
    public void closeInput() {
        send(connection::sendEnd);
    }

    @Override
    public void resize(int columns, int rows) {
        send(() -> connection.send(Request.newBuilder()
                .setResize(SocketProcesses.resizeOf(id, columns, rows))
                .build()));
    }

    @Override
    public void signal(int signal, boolean group) {
        send(() -> connection.send(Request.newBuilder()
                .setSignal(SocketProcesses.signalOf(id, signal, group))
                .build()));
    }

    /** Does nothing when the process has ended: what it would have done with the input is nothing. */
    private void send(Sending sending) {
        synchronized (this) {
            if (ended) {
                return;
            }
            sent = true;
        }
        try {
            sending.run();
        } catch (IOException e) {
            if (!isEnded()) {
                throw endpoint.fail(connection, e);
            }
        }
    }

    private interface Sending {
        void run() throws IOException;
    }

    @Override
    public void close() {
        end(false);
    }
}
