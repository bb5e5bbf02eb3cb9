package dev.atoll.app.config;

/** Checks of values, with messages that say what is allowed. */
final class Bounds {
    private Bounds() {}

    static void range(String key, long value, long min, long max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(key + " is " + value + "; allowed: " + min + " to " + max);
        }
    }

    static void range(String key, DataSize value, DataSize min, DataSize max) {
        if (value.bytes() < min.bytes() || value.bytes() > max.bytes()) {
            throw new IllegalArgumentException(key + " is " + value + "; allowed: " + min + " to " + max);
        }
    }

    static void range(String key, Span value, Span min, Span max) {
        if (value.duration().compareTo(min.duration()) < 0 || value.duration().compareTo(max.duration()) > 0) {
            throw new IllegalArgumentException(key + " is " + value + "; allowed: " + min + " to " + max);
        }
    }

    static void absolute(String key, String path) {
        if (!path.startsWith("/")) {
            throw new IllegalArgumentException(key + " is '" + path + "'; allowed: an absolute path");
        }
    }
}
