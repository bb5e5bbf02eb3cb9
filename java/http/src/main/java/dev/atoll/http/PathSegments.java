package dev.atoll.http;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Splits a raw request path and decodes each segment once, after the split, so that an encoded
 * slash never makes a segment. Refused with 400: what could mean another path to whoever decodes
 * differently (encoded {@code /}, {@code \}, NUL, control characters, {@code .} and {@code ..}
 * segments, bytes that are no UTF-8, half an escape).
 */
final class PathSegments {
    private PathSegments() {}

    /** The decoded segments of a path that starts with a slash; a trailing slash gives a last empty one. */
    static List<String> of(String rawPath) {
        if (!rawPath.startsWith("/")) {
            throw refuse(rawPath, "a path that starts with /");
        }
        List<String> segments = new ArrayList<>();
        int start = 1;
        while (true) {
            int end = rawPath.indexOf('/', start);
            segments.add(decode(rawPath, start, end < 0 ? rawPath.length() : end));
            if (end < 0) {
                return segments;
            }
            start = end + 1;
        }
    }

    private static String decode(String path, int start, int end) {
        String raw = path.substring(start, end);
        String text = raw.indexOf('%') < 0 ? raw : unescape(path, raw);
        if (text.equals(".") || text.equals("..")) {
            throw refuse(path, "no . or .. segments");
        }
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < 0x20 || c == 0x7f || c == '/' || c == '\\') {
                throw refuse(path, "no slash, backslash or control character inside a segment");
            }
        }
        return text;
    }

    private static String unescape(String path, String raw) {
        byte[] in = raw.getBytes(StandardCharsets.UTF_8);
        ByteBuffer out = ByteBuffer.allocate(in.length);
        for (int i = 0; i < in.length; i++) {
            if (in[i] != '%') {
                out.put(in[i]);
                continue;
            }
            int high = i + 2 < in.length ? Character.digit(in[i + 1], 16) : -1;
            int low = i + 2 < in.length ? Character.digit(in[i + 2], 16) : -1;
            if (high < 0 || low < 0) {
                throw refuse(path, "% followed by two hexadecimal digits");
            }
            out.put((byte) (high << 4 | low));
            i += 2;
        }
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(out.flip()).toString();
        } catch (CharacterCodingException e) {
            throw refuse(path, "UTF-8");
        }
    }

    private static InvalidInputException refuse(String path, String allowed) {
        return new InvalidInputException("path", path, allowed);
    }
}
