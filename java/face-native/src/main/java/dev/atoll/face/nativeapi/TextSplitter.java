package dev.atoll.face.nativeapi;

import java.util.Arrays;
import java.util.Optional;

/**
 * Cuts a stream of chunks into pieces that do not end within a UTF-8 character, so that a character
 * which lies across two chunks does not turn both into base64. One a stream, one thread.
 */
final class TextSplitter {
    private byte[] held = {};

    /** The next piece, without what may be the start of a character; empty when nothing is left of it. */
    Optional<Text> add(byte[] chunk) {
        byte[] bytes = chunk;
        if (held.length > 0) {
            bytes = Arrays.copyOf(held, held.length + chunk.length);
            System.arraycopy(chunk, 0, bytes, held.length, chunk.length);
        }
        int complete = bytes.length - unfinished(bytes);
        held = Arrays.copyOfRange(bytes, complete, bytes.length);
        return complete == 0 ? Optional.empty() : Optional.of(Text.of(bytes, 0, complete));
    }

    /** What was held back, when the stream has ended. */
    Optional<Text> end() {
        byte[] rest = held;
        held = new byte[0];
        return rest.length == 0 ? Optional.empty() : Optional.of(Text.of(rest));
    }

    /** How many bytes at the end, 0 to 3, begin a character that is not complete. */
    private static int unfinished(byte[] bytes) {
        for (int back = 1; back <= Math.min(3, bytes.length); back++) {
            int b = bytes[bytes.length - back] & 0xff;
            if (b < 0x80) {
                return 0;
            }
            if (b >= 0xc0) {
                int length = b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : 2;
                return length > back ? back : 0;
            }
        }
        return 0;
    }
}
