package dev.atoll.http;

import java.util.Arrays;
import java.util.Collection;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.exc.InvalidFormatException;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.exc.UnrecognizedPropertyException;
import tools.jackson.databind.exc.ValueInstantiationException;

/** Says in the client's terms what Jackson found wrong. */
final class JsonErrors {
    /** How Jackson says that a text stands where it would have to be converted. */
    private static final Pattern COERCED = Pattern.compile("String value \\(\"(.*)\"\\)");

    private JsonErrors() {}

    static RuntimeException explain(DatabindException e, Class<?> type) {
        String path = path(e);
        return switch (e) {
            case UnrecognizedPropertyException u -> new InvalidInputException(
                    path, u.getPropertyName(), "a known field" + nearest(u.getPropertyName(), u.getKnownPropertyIds()));
            case InvalidFormatException f -> new InvalidInputException(
                    path, String.valueOf(f.getValue()), allowed(f.getTargetType()));
            case ValueInstantiationException v when v.getCause() instanceof RuntimeException cause -> cause;
            case MismatchedInputException m when m.getMessage() != null && m.getMessage().startsWith("No content") ->
                new InvalidInputException("", "(empty)", "a JSON " + kind(type));
            case MismatchedInputException m -> new InvalidInputException(path, found(m), allowed(m.getTargetType()));
            default -> new InvalidInputException(path, "?", e.getOriginalMessage());
        };
    }

    static InvalidInputException malformed(JacksonException e) {
        var at = e.getLocation();
        String where = at == null ? "" : " at line " + at.getLineNr() + " column " + at.getColumnNr();
        return new InvalidInputException(path(e), "(malformed" + where + ": " + e.getOriginalMessage() + ")", "JSON");
    }

    /** {@code rules[2].after}. */
    private static String path(JacksonException e) {
        StringBuilder path = new StringBuilder();
        for (var step : e.getPath()) {
            if (step.getPropertyName() != null) {
                path.append(path.isEmpty() ? "" : ".").append(step.getPropertyName());
            } else if (step.getIndex() >= 0) {
                path.append('[').append(step.getIndex()).append(']');
            }
        }
        return path.toString();
    }

    private static String found(MismatchedInputException e) {
        String message = e.getOriginalMessage();
        if (message.contains("null")) {
            return "null";
        }
        Matcher coerced = COERCED.matcher(message);
        if (coerced.find()) {
            return coerced.group(1);
        }
        int token = message.indexOf("JsonToken.");
        if (token < 0) {
            return "a value of another type";
        }
        String name = message.substring(token + "JsonToken.".length());
        if (name.startsWith("START_OBJECT")) {
            return "an object";
        }
        if (name.startsWith("START_ARRAY")) {
            return "a list";
        }
        return name.startsWith("VALUE_STRING") ? "a text" : "a value of another type";
    }

    private static String allowed(Class<?> type) {
        if (type != null && type.isEnum()) {
            return Arrays.stream(type.getEnumConstants()).map(Object::toString).collect(Collectors.joining(", "));
        }
        return kind(type);
    }

    private static String kind(Class<?> type) {
        if (type == null) {
            return "another type";
        }
        if (type == String.class || type == CharSequence.class) {
            return "text";
        }
        if (type == boolean.class || type == Boolean.class) {
            return "true or false";
        }
        if (type == int.class || type == Integer.class || type == long.class || type == Long.class) {
            return "a whole number from "
                    + (type == int.class || type == Integer.class
                            ? Integer.MIN_VALUE + " to " + Integer.MAX_VALUE
                            : Long.MIN_VALUE + " to " + Long.MAX_VALUE);
        }
        if (Number.class.isAssignableFrom(type) || type == double.class) {
            return "a number";
        }
        if (Collection.class.isAssignableFrom(type)) {
            return "a list";
        }
        return "object";
    }

    private static String nearest(String name, Collection<Object> known) {
        if (known == null || known.isEmpty()) {
            return "";
        }
        String list = known.stream().map(String::valueOf).sorted().collect(Collectors.joining(", "));
        return Nearest.of(name, known.stream().map(String::valueOf).toList())
                        .map(near -> ", nearest '" + near + "'")
                        .orElse("")
                + "; known: " + list;
    }
}
