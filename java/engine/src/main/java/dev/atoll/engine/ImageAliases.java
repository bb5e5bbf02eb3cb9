package dev.atoll.engine;

import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Maps image references to templates by patterns, the first that matches wins. In a pattern
 * {@code *} stands for any text without a slash; everything else stands for itself. References are
 * compared in Docker's short form: without {@code docker.io/} and {@code library/}, with the tag
 * {@code latest} when they name neither tag nor digest.
 */
final class ImageAliases {
    private record Compiled(EngineConfig.Alias alias, Pattern pattern) {}

    private final List<Compiled> aliases;

    ImageAliases(List<EngineConfig.Alias> aliases) {
        this.aliases = aliases.stream().map(a -> new Compiled(a, compile(shortForm(a.pattern())))).toList();
    }

    /** The alias that this reference falls under. */
    Optional<EngineConfig.Alias> find(String reference) {
        String name = shortForm(reference);
        return aliases.stream().filter(a -> a.pattern.matcher(name).matches()).map(Compiled::alias).findFirst();
    }

    /** The patterns that lead to a template, in the order of the configuration. */
    List<String> leadingTo(String template) {
        return patterns(aliases.stream().filter(a -> a.alias.template().equals(template)).toList());
    }

    List<String> patterns() {
        return patterns(aliases);
    }

    private static List<String> patterns(List<Compiled> aliases) {
        return aliases.stream().map(a -> a.alias.pattern()).toList();
    }

    static String shortForm(String reference) {
        String name = reference.strip();
        for (String registry : List.of("docker.io/", "index.docker.io/", "registry-1.docker.io/")) {
            if (name.startsWith(registry)) {
                name = name.substring(registry.length());
                break;
            }
        }
        if (name.startsWith("library/")) {
            name = name.substring("library/".length());
        }
        String last = name.substring(name.lastIndexOf('/') + 1);
        boolean pinned = last.indexOf(':') >= 0 || last.indexOf('@') >= 0 || last.endsWith("*");
        return pinned ? name : name + ":latest";
    }

    private static Pattern compile(String pattern) {
        var regex = new StringBuilder();
        for (String literal : pattern.split("\\*", -1)) {
            if (!regex.isEmpty()) {
                regex.append("[^/]*");
            }
            regex.append(Pattern.quote(literal));
        }
        return Pattern.compile(regex.toString());
    }
}
