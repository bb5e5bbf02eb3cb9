package dev.atoll.face.daytona;

import dev.atoll.domain.ProcessEvent;
import dev.atoll.domain.ProcessExit;
import dev.atoll.domain.ProcessStream;
import dev.atoll.domain.UnavailableException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The merged output of a process as a stream that ends when the process does. One thread. */
final class OutputOf extends InputStream {
    private static final byte[] NOTHING = {};

    private final ProcessStream process;
    private byte[] chunk = NOTHING;
    private int position;
    private @Nullable ProcessExit exit;

    OutputOf(ProcessStream process) {
        this.process = process;
    }

    /** @throws IllegalStateException before the end of the stream was read */
    ProcessExit exit() {
        if (exit == null) {
            throw new IllegalStateException("the process has not ended");
        }
        return exit;
    }

    @Override
    public int read() {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) {
        if (length == 0) {
            return 0;
        }
        while (position == chunk.length) {
            if (exit != null) {
                return -1;
            }
            advance();
        }
        int count = Math.min(length, chunk.length - position);
        System.arraycopy(chunk, position, bytes, offset, count);
        position += count;
        return count;
    }

    private void advance() {
        Optional<ProcessEvent> event = process.next();
        if (event.isEmpty()) {
            throw new UnavailableException("the sandbox ended before the command did");
        }
        position = 0;
        chunk = switch (event.get()) {
            case ProcessEvent.Output output -> output.bytes();
            case ProcessEvent.Gap gap ->
                ("\n[" + (gap.to() - gap.from()) + " bytes of output were lost]\n").getBytes(StandardCharsets.UTF_8);
            case ProcessEvent.Exited exited -> {
                exit = exited.exit();
                yield NOTHING;
            }
        };
    }
}
