package dev.atoll.image.registry;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a registry answers with 401: how it wants to be asked (RFC 9110 section 11, and the distribution
 * specification for tokens).
 *
 * @param scheme lower case
 * @param parameters by their names in lower case
 */
record Challenge(String scheme, Map<String, String> parameters) {
    /** The quoted text is taken possessively: with a way back for each character long ones overflow the stack. */
    private static final Pattern PARAMETER =
            Pattern.compile("\\s*([A-Za-z0-9_-]+)\\s*=\\s*(?:\"((?:[^\"\\\\]|\\\\.)*+)\"|([^\\s,\"]+))\\s*,?");

    /** The first that is one of ours among the values of {@code WWW-Authenticate}. */
    static Optional<Challenge> find(List<String> values) {
        return values.stream()
                .map(Challenge::parse)
                .filter(c -> c.scheme.equals("bearer") || c.scheme.equals("basic"))
                .findFirst();
    }

    private static Challenge parse(String value) {
        String[] parts = value.strip().split("\\s+", 2);
        Map<String, String> parameters = new HashMap<>();
        if (parts.length > 1) {
            Matcher matcher = PARAMETER.matcher(parts[1]);
            while (matcher.lookingAt()) {
                String quoted = matcher.group(2);
                parameters.put(
                        matcher.group(1).toLowerCase(Locale.ROOT),
                        quoted != null ? quoted.replaceAll("\\\\(.)", "$1") : matcher.group(3));
                matcher.region(matcher.end(), matcher.regionEnd());
            }
        }
        return new Challenge(parts[0].toLowerCase(Locale.ROOT), Map.copyOf(parameters));
    }
}
