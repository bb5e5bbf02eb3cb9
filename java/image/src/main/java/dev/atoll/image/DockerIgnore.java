package dev.atoll.image;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The patterns of a {@code .dockerignore} file: what they match is not of the context
 * (https://docs.docker.com/build/concepts/context/#dockerignore-files). The last pattern that matches a
 * path or a directory above it decides; one that begins with {@code !} takes the path in again.
 */
public final class DockerIgnore {
    /** Where it lies in a context. */
    public static final String FILE = ".dockerignore";

    public static final DockerIgnore NOTHING = new DockerIgnore(List.of());

    private final List<Rule> rules;

    private record Rule(Pattern pattern, boolean takesIn) {}

    private DockerIgnore(List<Rule> rules) {
        this.rules = rules;
    }

    public static DockerIgnore parse(String text) {
        var rules = new ArrayList<Rule>();
        for (String line : text.lines().toList()) {
            if (line.startsWith("#") || line.isBlank()) {
                continue;
            }
            String pattern = line.strip();
            boolean takesIn = pattern.startsWith("!");
            String clean = CopySources.normal(takesIn ? pattern.substring(1).strip() : pattern);
            if (!clean.isEmpty()) {
                rules.add(new Rule(compile(clean), takesIn));
            }
        }
        return new DockerIgnore(List.copyOf(rules));
    }

    /** @param path relative to the context, parts separated by {@code /} */
    public boolean excludes(String path) {
        boolean excluded = false;
        for (Rule rule : rules) {
            if (excluded == rule.takesIn() && matches(rule.pattern(), path)) {
                excluded = !rule.takesIn();
            }
        }
        return excluded;
    }

    /** Whether all below a directory is excluded, so that it need not be looked at. */
    public boolean excludesAllBelow(String directory) {
        return excludes(directory) && rules.stream().noneMatch(Rule::takesIn);
    }

    private static boolean matches(Pattern pattern, String path) {
        for (int end = path.length(); end > 0; end = path.lastIndexOf('/', end - 1)) {
            if (pattern.matcher(path.substring(0, end)).matches()) {
                return true;
            }
        }
        return false;
    }

    /** Go's filepath.Match, and {@code **} for any number of directories. */
    private static Pattern compile(String pattern) {
        var regex = new StringBuilder();
        for (int i = 0; i < pattern.length(); i++) {
            char c = pattern.charAt(i);
            switch (c) {
                case '*' -> {
                    if (pattern.startsWith("**/", i)) {
                        regex.append("(?:.*/)?");
                        i += 2;
                    } else if (pattern.startsWith("**", i)) {
                        regex.append(".*");
                        i++;
                    } else {
                        regex.append("[^/]*");
                    }
                }
                case '?' -> regex.append("[^/]");
                case '[' -> {
                    int end = pattern.indexOf(']', i + 2);
                    if (end < 0) {
                        regex.append("\\[");
                    } else {
                        String set = pattern.substring(i + 1, end).replace("\\", "\\\\").replace("[", "\\[").replace("&&", "&\\&");
                        regex.append('[').append(set).append(']');
                        i = end;
                    }
                }
                case '\\' -> {
                    if (i + 1 < pattern.length()) {
                        regex.append(Pattern.quote(pattern.substring(++i, i + 1)));
                    }
                }
                default -> regex.append(Pattern.quote(String.valueOf(c)));
            }
        }
        try {
            return Pattern.compile(regex.toString());
        } catch (java.util.regex.PatternSyntaxException e) {
            // A set that is none matches nothing but itself.
            return Pattern.compile(Pattern.quote(pattern));
        }
    }
}
