package dev.atoll.face.nativeapi;

import dev.atoll.domain.FileContext;
import dev.atoll.http.InvalidInputException;
import dev.atoll.http.Json;
import dev.atoll.http.Request;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;

/** Reads and checks what clients send. */
final class Input {
    /** The longest JSON body of all calls but exec. */
    static final int MAX_JSON_BYTES = 1 << 20;
    /** Of exec: a script of 8 MiB, and its escapes. */
    static final int MAX_EXEC_JSON_BYTES = 20 << 20;

    private static final double LONGEST_SECONDS = 10 * 366 * 86_400.0;

    private Input() {}

    static <T> T json(Request request, Class<T> type) throws IOException {
        return request.json(Json.STRICT, type, MAX_JSON_BYTES);
    }

    /** As {@link #json}, but no body at all is an empty object. */
    static <T> T optionalJson(Request request, Class<T> type) throws IOException {
        byte[] bytes = request.bytes(MAX_JSON_BYTES);
        if (bytes.length == 0) {
            return Json.STRICT.read(new byte[] {'{', '}'}, type);
        }
        request.requireJson();
        return Json.STRICT.read(bytes, type);
    }

    static <T> T require(String field, Optional<T> value) {
        return value.orElseThrow(() -> new InvalidInputException(field, "(absent)", "a value"));
    }

    /** Absent is zero. */
    static Duration seconds(String field, Optional<Double> value) {
        double seconds = value.orElse(0.0);
        if (!(seconds >= 0 && seconds <= LONGEST_SECONDS)) {
            throw new InvalidInputException(field, Double.toString(seconds), "seconds, 0 to " + (long) LONGEST_SECONDS);
        }
        return Duration.ofNanos((long) (seconds * 1e9));
    }

    /** Permission bits as octal digits, {@code 0644}. */
    static OptionalInt mode(String field, Optional<String> text) {
        if (text.isEmpty()) {
            return OptionalInt.empty();
        }
        if (!text.get().matches("[0-7]{1,5}") || Integer.parseInt(text.get(), 8) > 07777) {
            throw new InvalidInputException(field, text.get(), "octal digits, 0 to 7777");
        }
        return OptionalInt.of(Integer.parseInt(text.get(), 8));
    }

    /** As whom and where from, by the query. */
    static FileContext context(Request request) {
        return new FileContext(request.query("user"), request.query("cwd"));
    }

    static int limit(String field, Optional<Integer> value, int whenAbsent, int max) {
        int limit = value.orElse(whenAbsent);
        if (limit < 1 || limit > max) {
            throw new InvalidInputException(field, Integer.toString(limit), "1 to " + max);
        }
        return limit;
    }
}
