package dev.atoll.engine;

import dev.atoll.domain.ProcessEvent;
import dev.atoll.domain.ProcessStream;
import dev.atoll.domain.SandboxId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the entrypoints of ended sandboxes wrote: one file a sandbox and output, which begins with the
 * offset of its first byte (8 bytes, big endian). Written before the sandbox's end is told, complete
 * under its name or not there: an engine that is killed half-way leaves a file that the next start
 * removes.
 *
 * <p>Bounds: of one output the newest {@code perOutput} bytes, of all together {@code total} bytes; at
 * that the oldest are dropped. Safe from any thread.
 */
final class EndedOutput {
    private static final Logger LOG = LoggerFactory.getLogger(EndedOutput.class);
    private static final int HEADER = Long.BYTES;
    private static final String UNFINISHED = ".part";

    private final Path directory;
    private final long perOutput;
    private final long total;

    /** @param directory is made; what an engine that was killed left unfinished in it is removed */
    EndedOutput(Path directory, long perOutput, long total) {
        this.directory = directory;
        this.perOutput = perOutput;
        this.total = total;
        try {
            Files.createDirectories(directory);
            for (Path file : files()) {
                if (file.toString().endsWith(UNFINISHED)) {
                    Files.deleteIfExists(file);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the directory of ended sandboxes' output cannot be made", e);
        }
    }

    /**
     * Reads a stream to its end and keeps what it yields.
     *
     * @param wanted looked at before the files get their names: false drops what was read
     */
    void keep(SandboxId sandbox, ProcessStream stream, BooleanSupplier wanted) throws IOException {
        try (var stdout = new Part(sandbox, ProcessEvent.Stream.STDOUT);
                var stderr = new Part(sandbox, ProcessEvent.Stream.STDERR)) {
            boolean more = true;
            while (more && stdout.length() <= perOutput && stderr.length() <= perOutput) {
                Optional<ProcessEvent> event = stream.next();
                switch (event.orElse(null)) {
                    case ProcessEvent.Output output -> part(stdout, stderr, output.stream()).write(output.bytes());
                    case ProcessEvent.Gap gap -> part(stdout, stderr, gap.stream()).skipTo(gap.to());
                    case ProcessEvent.Exited _ -> more = false;
                    case null -> more = false;
                }
            }
            if (wanted.getAsBoolean()) {
                stdout.finish();
                stderr.finish();
            }
        }
        dropOldest();
    }

    private static Part part(Part stdout, Part stderr, ProcessEvent.Stream stream) {
        return stream == ProcessEvent.Stream.STDOUT ? stdout : stderr;
    }

    /** A file being written; closing it before {@link #finish} removes it. */
    private final class Part implements AutoCloseable {
        private final Path name;
        private final Path unfinished;
        private final FileChannel channel;
        private long first;
        private long length;

        Part(SandboxId sandbox, ProcessEvent.Stream stream) throws IOException {
            name = file(sandbox, stream);
            unfinished = directory.resolve(UUID.randomUUID() + UNFINISHED);
            channel = FileChannel.open(unfinished, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            channel.position(HEADER);
        }

        long length() {
            return length;
        }

        void write(byte[] bytes) throws IOException {
            for (ByteBuffer buffer = ByteBuffer.wrap(bytes); buffer.hasRemaining(); ) {
                length += channel.write(buffer);
            }
        }

        /** The bytes before this offset are lost, and with them those that were read before the gap. */
        void skipTo(long offset) throws IOException {
            channel.truncate(HEADER).position(HEADER);
            first = offset;
            length = 0;
        }

        void finish() throws IOException {
            channel.write(ByteBuffer.allocate(HEADER).putLong(0, first), 0);
            channel.force(true);
            Files.move(unfinished, name, StandardCopyOption.ATOMIC_MOVE);
        }

        @Override
        public void close() throws IOException {
            channel.close();
            Files.deleteIfExists(unfinished);
        }
    }

    private Path file(SandboxId sandbox, ProcessEvent.Stream stream) {
        return directory.resolve(sandbox.value() + (stream == ProcessEvent.Stream.STDOUT ? ".out" : ".err"));
    }

    /** One output of an ended sandbox; to be closed. */
    record Kept(FileChannel channel, long first, long end) implements AutoCloseable {
        /** Fills the buffer from this offset of the output on; returns how many bytes, 0 at the end. */
        int read(ByteBuffer into, long offset) {
            try {
                return Math.max(0, channel.read(into, HEADER + offset - first));
            } catch (IOException e) {
                throw new UncheckedIOException("the output of an ended sandbox cannot be read", e);
            }
        }

        @Override
        public void close() {
            try {
                channel.close();
            } catch (IOException e) {
                throw new UncheckedIOException("the output of an ended sandbox cannot be closed", e);
            }
        }
    }

    /** Empty when nothing was kept, or not any more. */
    Optional<Kept> open(SandboxId sandbox, ProcessEvent.Stream stream) {
        try {
            FileChannel channel = FileChannel.open(file(sandbox, stream));
            ByteBuffer header = ByteBuffer.allocate(HEADER);
            channel.read(header, 0);
            long first = header.getLong(0);
            return Optional.of(new Kept(channel, first, first + channel.size() - HEADER));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException("the output of sandbox " + sandbox + " cannot be read", e);
        }
    }

    /** Removes what was written before that instant. */
    void purge(Instant before) {
        for (Path file : files()) {
            if (writtenAt(file).isBefore(before)) {
                remove(file);
            }
        }
    }

    private void dropOldest() {
        List<Path> oldestFirst = new ArrayList<>(files());
        long bytes = oldestFirst.stream().mapToLong(EndedOutput::size).sum();
        if (bytes <= total) {
            return;
        }
        oldestFirst.sort(Comparator.comparing(EndedOutput::writtenAt));
        for (Path file : oldestFirst) {
            if (bytes <= total) {
                return;
            }
            bytes -= size(file);
            remove(file);
        }
    }

    private List<Path> files() {
        try (Stream<Path> found = Files.list(directory)) {
            return found.toList();
        } catch (IOException e) {
            throw new UncheckedIOException("the directory of ended sandboxes' output cannot be read", e);
        }
    }

    private static long size(Path file) {
        try {
            return Files.size(file);
        } catch (IOException e) {
            return 0;
        }
    }

    /** One that is gone meanwhile is as old as can be. */
    private static Instant writtenAt(Path file) {
        try {
            return Files.getLastModifiedTime(file).toInstant();
        } catch (IOException e) {
            return Instant.EPOCH;
        }
    }

    private static void remove(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            LOG.warn("{} could not be removed: {}", file, e.getMessage());
        }
    }
}
