package dev.atoll.app.config;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.time.Duration;
import java.util.regex.Pattern;

/**
 * A length of time, written with its unit: {@code 500ms}, {@code 30s}, {@code 15m}, {@code 12h}, {@code 7d}.
 *
 * @param duration not negative, whole milliseconds
 */
public record Span(Duration duration) {
    private static final Pattern TEXT = Pattern.compile("(\\d{1,12})\\s*(ms|s|m|h|d)");

    public Span {
        if (duration.isNegative()) {
            throw new IllegalArgumentException("a time of " + duration);
        }
    }

    /** @throws IllegalArgumentException when the text is not a number with one of the units */
    public static Span parse(String text) {
        var match = TEXT.matcher(text.strip());
        if (!match.matches()) {
            throw new IllegalArgumentException("'" + text + "' is not a time like 30s, 15m or 7d");
        }
        long number = Long.parseLong(match.group(1));
        return new Span(switch (match.group(2)) {
            case "ms" -> Duration.ofMillis(number);
            case "s" -> Duration.ofSeconds(number);
            case "m" -> Duration.ofMinutes(number);
            case "h" -> Duration.ofHours(number);
            default -> Duration.ofDays(number);
        });
    }

    /** YAML reads a text without a unit as a number: it gets the same message. */
    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    static Span of(Object value) {
        return parse(value.toString());
    }

    /** In the largest unit that shows it whole. */
    @JsonValue
    @Override
    public String toString() {
        long millis = duration.toMillis();
        if (millis % 1000 != 0) {
            return millis + "ms";
        }
        long seconds = millis / 1000;
        if (seconds == 0 || seconds % 60 != 0) {
            return seconds + "s";
        }
        if (seconds % 86_400 == 0) {
            return seconds / 86_400 + "d";
        }
        return seconds % 3600 == 0 ? seconds / 3600 + "h" : seconds / 60 + "m";
    }
}
