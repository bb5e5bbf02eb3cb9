package dev.atoll.engine;

import dev.atoll.domain.ActivityKind;
import dev.atoll.domain.ProcessEvent;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessStream;
import java.util.Optional;

/**
 * A connection to a process that marks its input and its end as use of the sandbox, and says of the
 * end whether memory was lacking.
 */
final class MarkingStream implements ProcessStream {
    private final ProcessStream stream;
    private final SandboxOwner owner;
    private final OomVerdicts oom;

    MarkingStream(ProcessStream stream, SandboxOwner owner, OomVerdicts oom) {
        this.stream = stream;
        this.owner = owner;
        this.oom = oom;
    }

    @Override
    public ProcessId id() {
        return stream.id();
    }

    @Override
    public int pid() {
        return stream.pid();
    }

    @Override
    public boolean existed() {
        return stream.existed();
    }

    @Override
    public Optional<ProcessEvent> next() {
        Optional<ProcessEvent> event = stream.next();
        if (event.isPresent() && event.get() instanceof ProcessEvent.Exited exited) {
            owner.use(ActivityKind.PROCESS_RUNNING);
            return Optional.of(new ProcessEvent.Exited(oom.judge(id(), exited.exit())));
        }
        return event;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        owner.use(ActivityKind.STDIN);
        stream.write(bytes, offset, length);
    }

    @Override
    public void closeInput() {
        stream.closeInput();
    }

    @Override
    public void resize(int columns, int rows) {
        stream.resize(columns, rows);
    }

    @Override
    public void signal(int signal, boolean group) {
        stream.signal(signal, group);
    }

    @Override
    public void close() {
        stream.close();
    }
}
