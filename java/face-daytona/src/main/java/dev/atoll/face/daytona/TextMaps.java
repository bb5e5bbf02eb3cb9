package dev.atoll.face.daytona;

import dev.atoll.domain.InvalidFieldException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Checks maps as JSON brings them: there may be none, and a value may be null. */
final class TextMaps {
    private TextMaps() {}

    /** Empty for none. @throws InvalidFieldException naming the entry that is null */
    static Map<String, String> of(String field, @Nullable Map<String, @Nullable String> map) {
        if (map == null) {
            return Map.of();
        }
        for (var entry : map.entrySet()) {
            if (entry.getValue() == null) {
                throw new InvalidFieldException(field + "." + entry.getKey(), "null", "a text");
            }
        }
        return Map.copyOf(map);
    }
}
