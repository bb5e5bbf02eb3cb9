package dev.atoll.engine;

import dev.atoll.domain.Caller;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.Ports;
import dev.atoll.domain.SandboxId;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/** Ports inside sandboxes; an open pipe is use of the sandbox until it is closed. */
final class PortService implements Ports {
    private final GuestCalls calls;
    private final Clock clock;

    PortService(GuestCalls calls, Clock clock) {
        this.calls = calls;
        this.clock = clock;
    }

    @Override
    public List<Listener> listening(Caller caller, SandboxId sandbox) {
        return calls.guest(caller, sandbox, "listing ports").ports().listening();
    }

    @Override
    public Pipe dial(Caller caller, SandboxId sandbox, int port) {
        InvalidFieldException.requireRange("port", port, 1, 65_535);
        SandboxOwner owner = calls.owner(caller, sandbox);
        Pipe pipe = owner.guest("dial").ports().dial(port);
        owner.activity().tunnelOpened(clock.instant());
        return new CountedPipe(pipe, owner);
    }

    private final class CountedPipe implements Pipe {
        private final Pipe pipe;
        private final SandboxOwner owner;
        private final AtomicBoolean open = new AtomicBoolean(true);

        CountedPipe(Pipe pipe, SandboxOwner owner) {
            this.pipe = pipe;
            this.owner = owner;
        }

        @Override
        public InputStream input() {
            return pipe.input();
        }

        @Override
        public OutputStream output() {
            return pipe.output();
        }

        @Override
        public void closeOutput() {
            pipe.closeOutput();
        }

        @Override
        public void close() {
            if (open.compareAndSet(true, false)) {
                owner.activity().tunnelClosed(clock.instant());
            }
            pipe.close();
        }
    }
}
