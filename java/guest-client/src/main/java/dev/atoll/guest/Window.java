package dev.atoll.guest;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * Memory that the engine fills and one guest may read: a file beside its socket, of which guest.proto
 * tells at Write. The guest cannot write to it, make it shorter or keep its memory: closing cuts the
 * file, whoever has it mapped. Belongs to the thread that made it.
 */
final class Window implements AutoCloseable {
    static final String NAME = "w";

    /** One is read by the guest while the next is filled; the others even out who is faster when. */
    static final int PIECES = 4;

    /** Twice a frame: each piece wakes the guest once. */
    static final int PIECE_BYTES = 512 << 10;

    static final int BYTES = PIECES * PIECE_BYTES;

    private final Path path;
    private final FileChannel file;
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment memory;

    private Window(Path path, FileChannel file) throws IOException {
        this.path = path;
        this.file = file;
        // Written, not just made longer: where there is no room this fails, and no access later does.
        file.write(ByteBuffer.allocate(BYTES));
        if (file.size() < BYTES) {
            throw new IOException("no room for " + BYTES + " bytes in " + path);
        }
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-r--r--"));
        memory = file.map(MapMode.READ_WRITE, 0, BYTES, arena);
    }

    /** @param directory of the guest's socket; it holds no other window */
    static Window in(Path directory) throws IOException {
        Path path = directory.resolve(NAME);
        FileChannel file = FileChannel.open(
                path, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE));
        try {
            return new Window(path, file);
        } catch (IOException | RuntimeException e) {
            file.close();
            Files.deleteIfExists(path);
            throw e;
        }
    }

    /** The memory of one piece, empty and with room for all of it. @param index 0 to {@link #PIECES} - 1 */
    ByteBuffer piece(int index) {
        return memory.asSlice((long) index * PIECE_BYTES, PIECE_BYTES).asByteBuffer();
    }

    /** Removes the name: from now on nobody else opens it, and a killed engine leaves nothing behind. */
    void hide() throws IOException {
        Files.deleteIfExists(path);
    }

    @Override
    public void close() throws IOException {
        arena.close();
        try (file) {
            file.truncate(0);
        } finally {
            hide();
        }
    }
}
