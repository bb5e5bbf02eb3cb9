package dev.atoll.face.modal;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Bytes of a stream as text, a piece at a time: a character that a piece ends within comes with the next. */
final class Text {
    private static final int LONGEST_CHARACTER = 4;

    private byte[] rest = {};

    /** What is no UTF-8 becomes U+FFFD. */
    static String of(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** The whole characters so far. */
    String next(byte[] piece) {
        byte[] bytes = Arrays.copyOf(rest, rest.length + piece.length);
        System.arraycopy(piece, 0, bytes, rest.length, piece.length);
        int whole = bytes.length - unfinished(bytes);
        rest = Arrays.copyOfRange(bytes, whole, bytes.length);
        return new String(bytes, 0, whole, StandardCharsets.UTF_8);
    }

    /** How many bytes are kept for the next piece. */
    int kept() {
        return rest.length;
    }

    /** What is left at the end of the stream. */
    String end() {
        String last = of(rest);
        rest = new byte[0];
        return last;
    }

    /** How many bytes at the end begin a character and do not end it. */
    private static int unfinished(byte[] bytes) {
        for (int back = 1; back < LONGEST_CHARACTER && back <= bytes.length; back++) {
            int lead = bytes[bytes.length - back] & 0xFF;
            if (lead >= 0xC0) {
                int length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
                return length > back ? back : 0;
            }
            if (lead < 0x80) {
                return 0;
            }
        }
        return 0;
    }
}
