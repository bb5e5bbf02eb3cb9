package dev.atoll.guest;

import java.io.IOException;
import java.util.Arrays;

/** Keeps the first bytes of one output stream. One thread. */
final class OutputCollector {
    private static final byte[] NOTHING = new byte[0];

    private final int max;
    private byte[] bytes = NOTHING;
    private int size;
    private boolean truncated;

    /** @param max bytes to keep, 0 and up */
    OutputCollector(int max) {
        this.max = max;
    }

    /** Reads the payload of the connection's current frame. */
    void take(GuestConnection connection) throws IOException {
        while (connection.remaining() > 0) {
            if (size == max) {
                truncated = true;
                connection.skip();
                return;
            }
            int want = Math.min(max - size, connection.remaining());
            if (bytes.length - size < want) {
                long doubled = Math.max(2L * bytes.length, (long) size + want);
                bytes = Arrays.copyOf(bytes, (int) Math.min(doubled, max));
            }
            size += connection.read(bytes, size, want);
        }
    }

    /** Bytes were lost before they came here. */
    void lose() {
        truncated = true;
    }

    boolean truncated() {
        return truncated;
    }

    byte[] bytes() {
        return size == bytes.length ? bytes : Arrays.copyOf(bytes, size);
    }
}
