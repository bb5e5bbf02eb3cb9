package dev.atoll.engine;

import dev.atoll.domain.Entrypoint;
import dev.atoll.domain.ProcessEvent;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessStream;
import dev.atoll.domain.UnavailableException;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Follows an entrypoint over the end of its sandbox: when the guest is gone the rest is read from what
 * was kept. A reader sees one stream without a seam.
 */
final class EntrypointStream implements ProcessStream {
    private final Map<ProcessEvent.Stream, Long> offsets;
    private final Function<Map<ProcessEvent.Stream, Long>, Optional<ProcessStream>> afterEnd;
    private volatile ProcessStream current;
    private volatile boolean live = true;
    private volatile boolean closed;

    /**
     * @param guest the live stream
     * @param offsets where that begins
     * @param afterEnd waits a while for the sandbox's end and opens what was kept from offsets on; empty
     *     when the sandbox has not ended
     */
    EntrypointStream(
            ProcessStream guest,
            Map<ProcessEvent.Stream, Long> offsets,
            Function<Map<ProcessEvent.Stream, Long>, Optional<ProcessStream>> afterEnd) {
        this.current = guest;
        this.offsets = new EnumMap<>(offsets);
        this.afterEnd = afterEnd;
    }

    @Override
    public ProcessId id() {
        return Entrypoint.PROCESS;
    }

    @Override
    public int pid() {
        return current.pid();
    }

    @Override
    public boolean existed() {
        return true;
    }

    @Override
    public Optional<ProcessEvent> next() {
        try {
            return count(current.next());
        } catch (UnavailableException e) {
            if (!live || closed) {
                throw e;
            }
            live = false;
            current.close();
            current = afterEnd.apply(offsets).orElseThrow(() -> e);
            return next();
        }
    }

    private Optional<ProcessEvent> count(Optional<ProcessEvent> event) {
        switch (event.orElse(null)) {
            case ProcessEvent.Output output -> offsets.merge(output.stream(), (long) output.bytes().length, Long::sum);
            case ProcessEvent.Gap gap -> offsets.put(gap.stream(), gap.to());
            case ProcessEvent.Exited _ -> live = false;
            case null -> live = false;
        }
        return event;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        current.write(bytes, offset, length);
    }

    @Override
    public void closeInput() {
        current.closeInput();
    }

    @Override
    public void resize(int columns, int rows) {
        current.resize(columns, rows);
    }

    @Override
    public void signal(int signal, boolean group) {
        current.signal(signal, group);
    }

    @Override
    public void close() {
        closed = true;
        current.close();
    }
}
