package dev.atoll.image;

import dev.atoll.domain.InvalidFieldException;
import java.util.ArrayList;
import java.util.List;

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

    private record Rule(Glob pattern, boolean takesIn) {}

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
                rules.add(new Rule(Glob.compile(clean), takesIn));
            }
        }
        return new DockerIgnore(List.copyOf(rules));
    }

    /**
     * @param path relative to the context, parts separated by {@code /}
     * @throws InvalidFieldException when the patterns are too much work
     */
    public boolean excludes(String path) {
        return excludes(path, new Effort(FILE));
    }

    /** @param effort of all paths together */
    boolean excludes(String path, Effort effort) {
        boolean excluded = false;
        for (Rule rule : rules) {
            effort.spend(1);
            if (excluded == rule.takesIn() && rule.pattern().matchesWithin(path, effort)) {
                excluded = !rule.takesIn();
            }
        }
        return excluded;
    }

    /** Whether all below a directory is excluded, so that it need not be looked at. */
    public boolean excludesAllBelow(String directory) {
        return excludes(directory) && rules.stream().noneMatch(Rule::takesIn);
    }
}
