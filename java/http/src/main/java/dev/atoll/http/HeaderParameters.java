package dev.atoll.http;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * A header of the form {@code value; name=token; name="quoted \" string"; name*=UTF-8''escaped}
 * (RFC 2045 §5.1, RFC 8187). Lenient: what does not parse is left out.
 */
record HeaderParameters(String value, Map<String, String> parameters) {
    static HeaderParameters parse(String header) {
        int semicolon = header.indexOf(';');
        String value = (semicolon < 0 ? header : header.substring(0, semicolon)).strip();
        Map<String, String> plain = new HashMap<>();
        Map<String, String> extended = new HashMap<>();
        int at = semicolon < 0 ? header.length() : semicolon + 1;
        while (at < header.length()) {
            int equals = header.indexOf('=', at);
            if (equals < 0) {
                break;
            }
            String name = header.substring(at, equals).strip().toLowerCase(Locale.ROOT);
            StringBuilder text = new StringBuilder();
            at = readValue(header, equals + 1, text);
            if (name.endsWith("*")) {
                decode(text.toString()).ifPresent(t -> extended.putIfAbsent(name.substring(0, name.length() - 1), t));
            } else {
                plain.putIfAbsent(name, text.toString());
            }
        }
        plain.putAll(extended);
        return new HeaderParameters(value, Map.copyOf(plain));
    }

    Optional<String> get(String name) {
        return Optional.ofNullable(parameters.get(name));
    }

    /** Appends the value that starts at this index; returns the index after its semicolon. */
    private static int readValue(String header, int start, StringBuilder out) {
        int at = start;
        while (at < header.length() && header.charAt(at) == ' ') {
            at++;
        }
        if (at >= header.length() || header.charAt(at) != '"') {
            int end = header.indexOf(';', at);
            out.append(header.substring(at, end < 0 ? header.length() : end).strip());
            return end < 0 ? header.length() : end + 1;
        }
        at++;
        while (at < header.length() && header.charAt(at) != '"') {
            boolean escape = header.charAt(at) == '\\'
                    && at + 1 < header.length()
                    && (header.charAt(at + 1) == '"' || header.charAt(at + 1) == '\\');
            out.append(header.charAt(escape ? at + 1 : at));
            at += escape ? 2 : 1;
        }
        int end = header.indexOf(';', at);
        return end < 0 ? header.length() : end + 1;
    }

    private static Optional<String> decode(String extended) {
        String[] pieces = extended.split("'", 3);
        if (pieces.length < 3 || !pieces[0].equalsIgnoreCase("UTF-8")) {
            return Optional.empty();
        }
        try {
            return Optional.of(URLDecoder.decode(pieces[2].replace("+", "%2B"), StandardCharsets.UTF_8));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
