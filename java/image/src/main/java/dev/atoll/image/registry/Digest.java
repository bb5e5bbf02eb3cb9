package dev.atoll.image.registry;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Pattern;

/** The SHA-256 of some content, which names it. @param hex 64 lower-case hexadecimal characters */
public record Digest(String hex) {
    private static final String PREFIX = "sha256:";
    private static final Pattern HEX = Pattern.compile("[0-9a-f]{64}");

    public Digest {
        if (!HEX.matcher(hex).matches()) {
            throw new IllegalArgumentException("no SHA-256: " + hex);
        }
    }

    /** Reads {@code sha256:…}; empty when the text is anything else, also another algorithm. */
    static Optional<Digest> find(String text) {
        return Optional.of(text)
                .filter(t -> t.startsWith(PREFIX))
                .map(t -> t.substring(PREFIX.length()))
                .filter(hex -> HEX.matcher(hex).matches())
                .map(Digest::new);
    }

    public static Digest of(byte[] content) {
        MessageDigest whole = sha256();
        whole.update(content);
        return end(whole);
    }

    static Digest end(MessageDigest running) {
        return new Digest(HexFormat.of().formatHex(running.digest()));
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    @Override
    public String toString() {
        return PREFIX + hex;
    }
}
