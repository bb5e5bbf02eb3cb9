package dev.atoll.face.nativeapi;

import java.time.Duration;

/** Small conversions of what clients read. */
final class Output {
    private Output() {}

    static double seconds(Duration duration) {
        return duration.toNanos() / 1e9;
    }

    static String mode(int bits) {
        return String.format("%04o", bits);
    }
}
