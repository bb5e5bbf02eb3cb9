package dev.atoll.image;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a header of the POSIX form says of entries, as far as it is of use.
 *
 * @param size of the content in bytes
 * @param sparse whether the entry has holes
 */
record PaxRecords(Optional<String> path, Optional<String> link, Optional<Long> size, boolean sparse) {
    static final PaxRecords NONE = new PaxRecords(Optional.empty(), Optional.empty(), Optional.empty(), false);
    private static final Set<String> KEYS = Set.of("path", "linkpath", "size");
    /** Digits of a record's length, so that no number overflows. */
    private static final int MOST_DIGITS = 9;

    PaxRecords over(PaxRecords other) {
        return new PaxRecords(path.or(other::path), link.or(other::link), size.or(other::size), sparse || other.sparse);
    }

    /** {@code <length of all of it> <key>=<value>\n}, one after the other; empty when it is anything else. */
    static Optional<PaxRecords> parse(byte[] bytes) {
        Map<String, String> found = new HashMap<>();
        boolean sparse = false;
        int at = 0;
        while (at < bytes.length && bytes[at] != 0) {
            int blank = find(bytes, at, Math.min(bytes.length, at + MOST_DIGITS + 1), ' ');
            int length = blank < 0 ? 0 : number(bytes, at, blank);
            int end = at + length;
            int equals = length <= 0 || length > bytes.length - at ? -1 : find(bytes, blank + 1, end, '=');
            if (equals < 0 || bytes[end - 1] != '\n') {
                return Optional.empty();
            }
            String key = new String(bytes, blank + 1, equals - blank - 1, StandardCharsets.UTF_8);
            sparse |= key.startsWith("GNU.sparse.") || key.equals("SCHILY.realsize");
            if (KEYS.contains(key)) {
                found.put(key, new String(bytes, equals + 1, end - equals - 2, StandardCharsets.UTF_8));
            }
            at = end;
        }
        try {
            return Optional.of(new PaxRecords(
                    text(found, "path"), text(found, "linkpath"), text(found, "size").map(Long::valueOf), sparse));
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    /** A value of no characters takes back what was said before. */
    private static Optional<String> text(Map<String, String> found, String key) {
        return Optional.ofNullable(found.get(key)).filter(value -> !value.isEmpty());
    }

    private static int find(byte[] bytes, int from, int to, char wanted) {
        for (int i = from; i < to; i++) {
            if (bytes[i] == wanted) {
                return i;
            }
        }
        return -1;
    }

    /** 0 when there is none. */
    private static int number(byte[] bytes, int from, int to) {
        int number = 0;
        for (int i = from; i < to; i++) {
            if (bytes[i] < '0' || bytes[i] > '9') {
                return 0;
            }
            number = number * 10 + bytes[i] - '0';
        }
        return number;
    }
}
