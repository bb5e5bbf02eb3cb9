package dev.atoll.engine;

import java.util.HexFormat;
import java.util.random.RandomGenerator;

/** Makes the engine's ids: 128 bits of the given source as 32 lower-case hexadecimal characters. */
final class Ids {
    private final RandomGenerator random;

    /** @param random a secure source in production: an id is also the name of a socket's directory */
    Ids(RandomGenerator random) {
        this.random = random;
    }

    String next() {
        return HexFormat.of().formatHex(bytes(16));
    }

    /** Whether a text has the form of an id, so that it can be one. */
    static boolean isId(String text) {
        return text.length() == 32 && text.chars().allMatch(c -> c >= '0' && c <= '9' || c >= 'a' && c <= 'f');
    }

    byte[] bytes(int count) {
        byte[] bytes = new byte[count];
        random.nextBytes(bytes);
        return bytes;
    }
}
