package dev.atoll.domain;

import java.util.regex.Pattern;

/**
 * Names one process of a sandbox; chosen by the caller or the engine. A second spawn of the same id
 * attaches to the first, it does not run twice.
 *
 * @param value 1 to 64 characters of {@code [A-Za-z0-9_-]}
 */
public record ProcessId(String value) {
    private static final Pattern FORM = Pattern.compile("[A-Za-z0-9_-]{1,64}");

    public ProcessId {
        if (!FORM.matcher(value).matches()) {
            throw new InvalidFieldException("process", value, "1 to 64 characters of A-Z a-z 0-9 _ -");
        }
    }

    @Override
    public String toString() {
        return value;
    }
}
