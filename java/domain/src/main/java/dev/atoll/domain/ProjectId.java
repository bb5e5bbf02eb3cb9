package dev.atoll.domain;

import java.util.regex.Pattern;

/**
 * Names a project: the unit that owns sandboxes, keys and quotas.
 *
 * @param value 1 to 64 characters of {@code [a-z0-9-]}
 */
public record ProjectId(String value) {
    private static final Pattern FORM = Pattern.compile("[a-z0-9][a-z0-9-]{0,63}");

    /** The project of an installation that has only one. */
    public static final ProjectId DEFAULT = new ProjectId("default");

    public ProjectId {
        if (!FORM.matcher(value).matches()) {
            throw new InvalidFieldException("project", value, "1 to 64 characters of a-z 0-9 -");
        }
    }

    @Override
    public String toString() {
        return value;
    }
}
