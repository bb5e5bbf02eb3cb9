package dev.atoll.image;

import dev.atoll.domain.InvalidFieldException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts the text of a Dockerfile into its instructions: continued lines are joined, comments and blank
 * lines left out, also between continued lines, and the bodies of here-documents are kept as they are.
 */
final class LogicalLines {
    private static final Pattern DIRECTIVE = Pattern.compile("#\\s*([A-Za-z]+)\\s*=\\s*(\\S+)\\s*");
    private static final Pattern HEREDOC = Pattern.compile("(?<![<\\w])<<(-?)(['\"]?)([A-Za-z_][A-Za-z0-9_]*)\\2");

    /**
     * One instruction.
     *
     * @param number of its first line, from 1
     * @param text without its here-documents' bodies
     * @param documents what follows it, in order
     */
    record Line(int number, String text, List<Document> documents) {}

    /**
     * A here-document.
     *
     * @param marker as it stands in the text, {@code <<EOF}
     * @param quoted its variables are not replaced
     * @param body with a line break behind each line
     */
    record Document(String marker, String name, boolean quoted, String body) {}

    private final List<String> raw;
    private final String escape;
    private final List<Line> lines = new ArrayList<>();
    private int at;

    private LogicalLines(String text) {
        raw = text.lines().toList();
        escape = escapeOf(raw);
    }

    static List<Line> of(String text) {
        var reader = new LogicalLines(text);
        reader.read();
        return reader.lines;
    }

    /** Directives are comments of the form {@code # name=value} before everything else. */
    private static String escapeOf(List<String> raw) {
        for (String line : raw) {
            Matcher directive = DIRECTIVE.matcher(line.strip());
            if (!directive.matches()) {
                return "\\";
            }
            if (directive.group(1).toLowerCase(Locale.ROOT).equals("escape")) {
                String value = directive.group(2);
                if (!value.equals("\\") && !value.equals("`")) {
                    throw new InvalidFieldException("dockerfile", value, "\\ or ` as the escape character");
                }
                return value;
            }
        }
        return "\\";
    }

    private void read() {
        var current = new StringBuilder();
        int first = 0;
        while (at < raw.size()) {
            String line = raw.get(at++);
            if (line.isBlank() || line.strip().startsWith("#")) {
                continue;
            }
            if (current.isEmpty()) {
                first = at;
            }
            String end = line.stripTrailing();
            if (end.endsWith(escape)) {
                current.append(end, 0, end.length() - 1);
                continue;
            }
            current.append(line);
            add(first, current.toString().strip());
            current.setLength(0);
        }
        if (!current.toString().isBlank()) {
            add(first, current.toString().strip());
        }
    }

    private void add(int number, String text) {
        var documents = new ArrayList<Document>();
        if (takesDocuments(text)) {
            Matcher marker = HEREDOC.matcher(text);
            while (marker.find()) {
                boolean tabs = !marker.group(1).isEmpty();
                documents.add(new Document(
                        marker.group(), marker.group(3), !marker.group(2).isEmpty(), body(number, marker.group(3), tabs)));
            }
        }
        lines.add(new Line(number, text, documents));
    }

    private static boolean takesDocuments(String text) {
        String start = text.toUpperCase(Locale.ROOT);
        return start.startsWith("RUN") || start.startsWith("COPY") || start.startsWith("ADD");
    }

    private String body(int number, String name, boolean dropTabs) {
        var body = new StringBuilder();
        for (Iterator<String> rest = raw.subList(at, raw.size()).iterator(); rest.hasNext(); ) {
            String line = rest.next();
            at++;
            String shown = dropTabs ? line.replaceFirst("^\t+", "") : line;
            if (shown.equals(name)) {
                return body.toString();
            }
            body.append(shown).append('\n');
        }
        throw new InvalidFieldException(
                "dockerfile", "line " + number + ": <<" + name, "a here-document that ends with a line '" + name + "'");
    }
}
