package dev.atoll.engine;

import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.UnsupportedException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Reads the one kind of Dockerfile that needs no build: comments, blank lines and a single
 * {@code FROM [--platform=…] image [AS name]}. This is what clients send who were asked for an image.
 */
final class DockerfileSource {
    private static final int LONGEST = 1 << 20;
    private static final Pattern BLANKS = Pattern.compile("[ \t]+");

    private DockerfileSource() {}

    /**
     * The image of the only FROM line.
     *
     * @throws UnsupportedException naming the first instruction that would have to be built
     * @throws InvalidFieldException when there is no FROM line, or it is not one
     */
    static String image(String text) {
        InvalidFieldException.requireLength("dockerfile", text, 1, LONGEST);
        List<String> from = List.of();
        for (String line : logicalLines(text)) {
            List<String> words = BLANKS.splitAsStream(line).toList();
            String instruction = words.getFirst().toUpperCase(Locale.ROOT);
            if (!instruction.equals("FROM")) {
                throw new UnsupportedException("dockerfile instruction " + shown(instruction)
                        + " is not supported: only a single FROM line is");
            }
            if (!from.isEmpty()) {
                throw new UnsupportedException("a second FROM is not supported: only a single FROM line is");
            }
            from = words;
        }
        if (from.isEmpty()) {
            throw new InvalidFieldException("dockerfile", text, "text with a FROM line");
        }
        return imageOf(from);
    }

    private static String imageOf(List<String> from) {
        List<String> words = from.stream().skip(1).filter(w -> !w.startsWith("--platform=")).toList();
        boolean plain = words.size() == 1;
        boolean named = words.size() == 3 && words.get(1).equalsIgnoreCase("AS");
        if (!plain && !named || words.getFirst().startsWith("--")) {
            throw new InvalidFieldException(
                    "dockerfile", String.join(" ", from), "FROM [--platform=<platform>] <image> [AS <name>]");
        }
        if (words.getFirst().indexOf('$') >= 0) {
            throw new UnsupportedException("variables in FROM are not supported: " + shown(words.getFirst()));
        }
        return words.getFirst();
    }

    /** Lines without comments and blank ones, continued ones joined as Docker joins them. */
    private static List<String> logicalLines(String text) {
        var lines = new ArrayList<String>();
        var current = new StringBuilder();
        for (String raw : text.lines().toList()) {
            String line = raw.strip();
            if (line.isEmpty() || line.startsWith("#")) {
                continue;
            }
            boolean continued = line.endsWith("\\");
            current.append(continued ? line.substring(0, line.length() - 1) : line);
            if (continued) {
                current.append(' ');
            } else {
                lines.add(current.toString().strip());
                current.setLength(0);
            }
        }
        if (!current.isEmpty()) {
            lines.add(current.toString().strip());
        }
        return lines;
    }

    private static String shown(String word) {
        return word.length() > 64 ? word.substring(0, 64) + "…" : word;
    }
}
