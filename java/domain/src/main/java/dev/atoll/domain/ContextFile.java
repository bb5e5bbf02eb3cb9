package dev.atoll.domain;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Pattern;

/**
 * Something of a build's context: a file, a symbolic link or a directory.
 *
 * @param path below the context's root, parts separated by {@code /}; a leading {@code /} is dropped
 * @param mode permission bits, 0 to 07777
 * @param sha256 of the content in lower-case hexadecimal; the caller vouches for it
 * @param content of a link: its target, in UTF-8; of a directory: nothing
 */
public record ContextFile(String path, Kind kind, int mode, String sha256, Content content) {
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

    public enum Kind {
        FILE,
        LINK,
        DIRECTORY
    }

    /** Opens the content anew at every call, from any thread. */
    @FunctionalInterface
    public interface Content {
        InputStream open() throws IOException;
    }

    public ContextFile {
        path = path.startsWith("/") ? path.substring(1) : path;
        InvalidFieldException.requireLength("context.path", path, 1, 4096);
        InvalidFieldException.requireRange("context.mode", mode, 0, 07777);
        for (String part : path.split("/", -1)) {
            if (part.isEmpty() || part.equals(".") || part.equals("..") || part.indexOf('\0') >= 0) {
                throw new InvalidFieldException("context.path", path, "a path without empty, '.' and '..' parts");
            }
        }
        if (!SHA256.matcher(sha256).matches()) {
            throw new InvalidFieldException("context.sha256", sha256, "64 lower-case hexadecimal characters");
        }
    }

    /** A file whose content is in memory. */
    public static ContextFile of(String path, int mode, byte[] bytes) {
        byte[] copy = bytes.clone();
        return inMemory(path, Kind.FILE, mode, copy);
    }

    /** A symbolic link. */
    public static ContextFile link(String path, String target) {
        InvalidFieldException.requireLength("context.target", target, 1, 4096);
        return inMemory(path, Kind.LINK, 0777, target.getBytes(StandardCharsets.UTF_8));
    }

    /** A directory; those above a file need no entry of their own. */
    public static ContextFile directory(String path, int mode) {
        return inMemory(path, Kind.DIRECTORY, mode, new byte[0]);
    }

    private static ContextFile inMemory(String path, Kind kind, int mode, byte[] bytes) {
        return new ContextFile(path, kind, mode, sha256(bytes), () -> new ByteArrayInputStream(bytes));
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
