package dev.atoll.face.nativeapi;

import dev.atoll.http.InvalidInputException;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** Enums as this API writes them: {@code LAST_ACTIVITY} is {@code lastActivity}. */
final class Names {
    private Names() {}

    static String of(Enum<?> value) {
        StringBuilder name = new StringBuilder();
        for (String word : value.name().toLowerCase(Locale.ROOT).split("_")) {
            name.append(name.isEmpty() ? word : Character.toUpperCase(word.charAt(0)) + word.substring(1));
        }
        return name.toString();
    }

    /** @throws InvalidInputException that lists what is allowed */
    static <E extends Enum<E>> E parse(String field, String text, Class<E> type) {
        for (E value : type.getEnumConstants()) {
            if (of(value).equals(text)) {
                return value;
            }
        }
        throw new InvalidInputException(
                field, text, Arrays.stream(type.getEnumConstants()).map(Names::of).collect(Collectors.joining(", ")));
    }
}
