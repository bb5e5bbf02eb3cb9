package dev.atoll.engine;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;

/**
 * Passes a stream of bytes on with every occurrence of a secret value replaced by {@code ***}, also
 * one that is cut over several pieces. Values below four bytes are left: they are everywhere. What a
 * program encodes before it prints it is not found. One thread at a time.
 */
final class SecretMask {
    private static final int SHORTEST = 4;
    private static final byte[] SHOWN = "***".getBytes(StandardCharsets.US_ASCII);

    private final List<byte[]> values;
    private final int longest;
    private final Consumer<byte[]> to;
    /** The end of what came, which may be the beginning of a value. */
    private byte[] held = new byte[0];

    SecretMask(Collection<String> values, Consumer<byte[]> to) {
        this.values = values.stream()
                .map(value -> value.getBytes(StandardCharsets.UTF_8))
                .filter(value -> value.length >= SHORTEST)
                .sorted(Comparator.comparingInt((byte[] value) -> value.length).reversed())
                .toList();
        this.longest = this.values.isEmpty() ? 0 : this.values.getFirst().length;
        this.to = to;
    }

    void write(byte[] bytes) {
        if (values.isEmpty()) {
            to.accept(bytes);
            return;
        }
        byte[] all = Arrays.copyOf(held, held.length + bytes.length);
        System.arraycopy(bytes, 0, all, held.length, bytes.length);
        pass(all, Math.max(0, all.length - longest + 1));
    }

    /** Passes on what was held back: no more comes. */
    void flush() {
        pass(held, held.length);
    }

    /** Replaces what begins before {@code limit} and holds back what begins behind it. */
    private void pass(byte[] all, int limit) {
        var out = new ByteArrayOutputStream(all.length);
        int at = 0;
        while (at < limit) {
            int length = matchAt(all, at);
            if (length > 0) {
                out.writeBytes(SHOWN);
                at += length;
            } else {
                out.write(all[at++]);
            }
        }
        held = Arrays.copyOfRange(all, Math.min(at, all.length), all.length);
        if (out.size() > 0) {
            to.accept(out.toByteArray());
        }
    }

    private int matchAt(byte[] all, int at) {
        for (byte[] value : values) {
            if (at + value.length <= all.length
                    && Arrays.equals(all, at, at + value.length, value, 0, value.length)) {
                return value.length;
            }
        }
        return 0;
    }
}
