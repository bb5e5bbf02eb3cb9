package dev.atoll.engine;

import dev.atoll.domain.ConflictException;
import dev.atoll.domain.Entrypoint;
import dev.atoll.domain.Outcome;
import dev.atoll.domain.ProcessEvent;
import dev.atoll.domain.ProcessExit;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessStream;
import dev.atoll.domain.SandboxId;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.Optional;

/**
 * What is kept of the output of an ended sandbox's entrypoint, one output after the other, then its
 * exit; one that was ended with its sandbox is told as killed by SIGKILL.
 */
final class EndedStream implements ProcessStream {
    private static final int CHUNK = 64 << 10;
    private static final int SIGKILL = 9;

    /** An output and where its reader is. */
    private static final class Source {
        private final ProcessEvent.Stream stream;
        private final EndedOutput.Kept kept;
        private long offset;

        Source(ProcessEvent.Stream stream, EndedOutput.Kept kept, long offset) {
            this.stream = stream;
            this.kept = kept;
            this.offset = offset;
        }

        /** Empty at the end. */
        Optional<ProcessEvent> next() {
            if (offset < kept.first()) {
                long from = offset;
                offset = kept.first();
                return Optional.of(new ProcessEvent.Gap(stream, from, offset));
            }
            ByteBuffer buffer = ByteBuffer.allocate((int) Math.clamp(kept.end() - offset, 0, CHUNK));
            int read = buffer.hasRemaining() ? kept.read(buffer, offset) : 0;
            if (read == 0) {
                return Optional.empty();
            }
            offset += read;
            byte[] bytes = new byte[read];
            buffer.get(0, bytes);
            return Optional.of(new ProcessEvent.Output(stream, bytes));
        }
    }

    private final Deque<Source> sources = new ArrayDeque<>();
    private final ProcessExit exit;
    private boolean exitTold;

    /** @param offsets where to begin with each output to be read */
    EndedStream(EndedOutput output, SandboxId sandbox, Outcome outcome, Map<ProcessEvent.Stream, Long> offsets) {
        offsets.entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .forEach(from -> output.open(sandbox, from.getKey())
                        .ifPresent(kept -> sources.add(new Source(from.getKey(), kept, from.getValue()))));
        exit = outcome.exit().orElseGet(() -> new ProcessExit(
                128 + SIGKILL,
                SIGKILL,
                outcome.kind() == Outcome.Kind.OUT_OF_MEMORY,
                outcome.kind() == Outcome.Kind.TIMEOUT,
                endOf(ProcessEvent.Stream.STDOUT),
                endOf(ProcessEvent.Stream.STDERR),
                outcome.endedAt()));
    }

    private long endOf(ProcessEvent.Stream stream) {
        return sources.stream().filter(s -> s.stream == stream).mapToLong(s -> s.kept.end()).findFirst().orElse(0);
    }

    @Override
    public ProcessId id() {
        return Entrypoint.PROCESS;
    }

    /** {@inheritDoc} 0: there is none any more. */
    @Override
    public int pid() {
        return 0;
    }

    @Override
    public boolean existed() {
        return true;
    }

    @Override
    public Optional<ProcessEvent> next() {
        while (!sources.isEmpty()) {
            Optional<ProcessEvent> event = sources.getFirst().next();
            if (event.isPresent()) {
                return event;
            }
            sources.removeFirst().kept.close();
        }
        if (exitTold) {
            return Optional.empty();
        }
        exitTold = true;
        return Optional.of(new ProcessEvent.Exited(exit));
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        throw ended();
    }

    @Override
    public void closeInput() {
        throw ended();
    }

    @Override
    public void resize(int columns, int rows) {
        throw ended();
    }

    @Override
    public void signal(int signal, boolean group) {
        throw ended();
    }

    private static ConflictException ended() {
        return new ConflictException("the sandbox of this process has ended");
    }

    @Override
    public void close() {
        sources.forEach(source -> source.kept.close());
        sources.clear();
    }
}
