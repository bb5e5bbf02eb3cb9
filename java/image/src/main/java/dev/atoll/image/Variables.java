package dev.atoll.image;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Replaces the variables in the arguments of one instruction; what is written wrongly names its line. */
final class Variables {
    private static final Pattern BLANKS = Pattern.compile("\\s+");
    private static final Pattern IN_DOCUMENT = Pattern.compile("\\\\\\$|\\$[A-Za-z_][A-Za-z0-9_]*|\\$\\{[^}\n]*\\}");


    private final int line;
    private final Function<String, Optional<String>> values;

    Variables(int line, Function<String, Optional<String>> values) {
        this.line = line;
        this.values = values;
    }

    String one(String text) {
        try {
            return Words.one(text, values);
        } catch (IllegalArgumentException e) {
            throw wrong(text, e);
        }
    }

    List<String> split(String text) {
        try {
            return Words.split(text, values);
        } catch (IllegalArgumentException e) {
            throw wrong(text, e);
        }
    }

    /** All of a here-document: variables are replaced, everything else stays, quotes too. */
    String document(String text) {
        return IN_DOCUMENT.matcher(text).replaceAll(found -> Matcher.quoteReplacement(
                found.group().startsWith("\\") ? found.group().substring(1) : one(found.group())));
    }

    private RuntimeException wrong(String text, IllegalArgumentException e) {
        return DockerfileParser.invalid(line, text, "closed quotes and braces; there is " + e.getMessage());
    }

    /** {@code NAME=value …}, or {@code NAME value} where the value is all the rest. */
    Map<String, String> pairs(String text) {
        Map<String, String> pairs = new LinkedHashMap<>();
        String[] parts = BLANKS.split(text, 2);
        if (parts[0].indexOf('=') < 0) {
            if (parts.length < 2) {
                throw DockerfileParser.invalid(line, text, "<name>=<value>");
            }
            pairs.put(parts[0], one(parts[1].strip()));
            return pairs;
        }
        for (String word : split(text)) {
            int equals = word.indexOf('=');
            if (equals < 1) {
                throw DockerfileParser.invalid(line, text, "<name>=<value> …");
            }
            pairs.put(word.substring(0, equals), word.substring(equals + 1));
        }
        return pairs;
    }
}
