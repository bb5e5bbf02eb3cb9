package dev.atoll.app.run;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HexFormat;

/** The key of whoever runs the instance. Lies in a file that only root reads; the engine gets its hash. */
final class OperatorKey {
    private static final int RANDOM_BYTES = 32;

    private OperatorKey() {}

    /** Reads it, or makes one. */
    static String ensure(Path file) {
        if (Files.exists(file)) {
            try {
                return Files.readString(file).strip();
            } catch (IOException e) {
                throw new OperatorException(file + " cannot be read: " + e.getMessage());
            }
        }
        var random = new byte[RANDOM_BYTES];
        new SecureRandom().nextBytes(random);
        String key = "atoll_" + Base64.getUrlEncoder().withoutPadding().encodeToString(random);
        AtomicFile.write(file, key + "\n", "rw-------");
        return key;
    }

    /** Lower-case hexadecimal. */
    static String sha256(String key) {
        try {
            var digest = MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }
}
