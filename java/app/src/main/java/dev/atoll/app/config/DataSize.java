package dev.atoll.app.config;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * An amount of bytes, written with its unit: {@code 512MiB}, {@code 10GiB}, {@code 1.5TiB}, {@code 4096B}.
 *
 * @param bytes not negative
 */
public record DataSize(long bytes) {
    private static final Pattern TEXT = Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*(B|KiB|MiB|GiB|TiB)", Pattern.CASE_INSENSITIVE);
    private static final String[] UNITS = {"B", "KiB", "MiB", "GiB", "TiB"};

    public DataSize {
        if (bytes < 0) {
            throw new IllegalArgumentException("a size of " + bytes + " bytes");
        }
    }

    /** @throws IllegalArgumentException when the text is not a number with one of the units */
    public static DataSize parse(String text) {
        var match = TEXT.matcher(text.strip());
        if (!match.matches()) {
            throw new IllegalArgumentException("'" + text + "' is not a size like 512MiB or 10GiB");
        }
        double factor = 1;
        for (String unit : UNITS) {
            if (unit.equalsIgnoreCase(match.group(2))) {
                break;
            }
            factor *= 1024;
        }
        return new DataSize(Math.round(Double.parseDouble(match.group(1)) * factor));
    }

    /** YAML reads a text without a unit as a number: it gets the same message. */
    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    static DataSize of(Object value) {
        return parse(value.toString());
    }

    /** In the largest unit that shows it whole. */
    @JsonValue
    @Override
    public String toString() {
        long value = bytes;
        int unit = 0;
        while (unit < UNITS.length - 1 && value != 0 && value % 1024 == 0) {
            value /= 1024;
            unit++;
        }
        return value + UNITS[unit];
    }

    /** For people: three digits, in the unit that fits. */
    public String rounded() {
        double value = bytes;
        int unit = 0;
        while (unit < UNITS.length - 1 && value >= 1024) {
            value /= 1024;
            unit++;
        }
        return String.format(Locale.ROOT, unit == 0 || value >= 100 ? "%.0f %s" : "%.1f %s", value, UNITS[unit]);
    }
}
