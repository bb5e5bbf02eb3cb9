package dev.atoll.face.nativeapi;

import dev.atoll.http.InvalidInputException;
import dev.atoll.http.Request;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Paths inside sandboxes, which only the guest resolves: here they are strings within bounds. */
final class Paths {
    private static final int MAX_BYTES = 4096;

    private Paths() {}

    static String query(Request request, String name) {
        return check("query." + name, request.requireQuery(name));
    }

    static String field(String name, Optional<String> path) {
        return check(name, Input.require(name, path));
    }

    static String check(String field, String path) {
        if (path.isEmpty() || path.indexOf('\0') >= 0 || path.getBytes(StandardCharsets.UTF_8).length > MAX_BYTES) {
            throw new InvalidInputException(field, path.replace('\0', '?'), "1 to " + MAX_BYTES + " bytes without NUL");
        }
        return path;
    }
}
