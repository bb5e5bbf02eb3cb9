package dev.atoll.domain;

import java.util.Locale;
import java.util.regex.Pattern;

/**
 * A host name, {@code *.} before one for every name below it but not itself, or {@code *} for all. Names
 * that are not ASCII are written as they are looked up ({@code xn--}).
 *
 * @param text in lower case
 */
public record DomainPattern(String text) {
    private static final String LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
    private static final Pattern FORM = Pattern.compile("\\*|(?:\\*\\.)?" + LABEL + "(?:\\." + LABEL + ")*");
    private static final Pattern DIGITS = Pattern.compile("[0-9]+(?:\\.[0-9]+)*");
    private static final int MAX_LENGTH = 253;

    /**
     * @param field what the caller calls it
     * @throws InvalidFieldException when it is none
     */
    public static DomainPattern parse(String field, String text) {
        String lower = text.toLowerCase(Locale.ROOT);
        String name = lower.startsWith("*.") ? lower.substring(2) : lower;
        if (name.length() > MAX_LENGTH || !FORM.matcher(lower).matches() || DIGITS.matcher(name).matches()) {
            throw new InvalidFieldException(
                    field, text, "a host name like example.org, *.example.org for all names below it, or *");
        }
        return new DomainPattern(lower);
    }

    @Override
    public String toString() {
        return text;
    }
}
