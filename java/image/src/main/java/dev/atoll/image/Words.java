package dev.atoll.image;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Splits the arguments of an instruction into words and replaces variables in them, by the rules that
 * Dockerfiles have: {@code $name}, {@code ${name}}, {@code ${name:-word}} and {@code ${name:+word}};
 * no replacement within single quotes; a backslash takes the next character as it is, within double
 * quotes before {@code " $ \} only. A name that stands for nothing becomes the empty text.
 */
final class Words {
    private final String text;
    private final Function<String, Optional<String>> variables;
    private final boolean splitting;
    private final List<String> words = new ArrayList<>();
    private final StringBuilder word = new StringBuilder();
    private boolean inWord;
    private int at;

    private Words(String text, Function<String, Optional<String>> variables, boolean splitting) {
        this.text = text;
        this.variables = variables;
        this.splitting = splitting;
    }

    /** The words between blanks, quotes removed. @throws IllegalArgumentException saying what is wrong */
    static List<String> split(String text, Function<String, Optional<String>> variables) {
        return new Words(text, variables, true).read();
    }

    /** All of it as one word. @throws IllegalArgumentException saying what is wrong */
    static String one(String text, Function<String, Optional<String>> variables) {
        return String.join("", new Words(text, variables, false).read());
    }

    private List<String> read() {
        while (at < text.length()) {
            char c = text.charAt(at++);
            switch (c) {
                case '\'' -> single();
                case '"' -> twice();
                case '\\' -> literal(at < text.length() ? text.charAt(at++) : '\\');
                case '$' -> variable();
                case ' ', '\t', '\n' -> blank(c);
                default -> literal(c);
            }
        }
        endWord();
        return words;
    }

    private void literal(char c) {
        word.append(c);
        inWord = true;
    }

    private void blank(char c) {
        if (splitting) {
            endWord();
        } else {
            literal(c);
        }
    }

    private void endWord() {
        if (inWord) {
            words.add(word.toString());
            word.setLength(0);
            inWord = false;
        }
    }

    private void single() {
        int end = text.indexOf('\'', at);
        if (end < 0) {
            throw new IllegalArgumentException("a ' that is not closed");
        }
        word.append(text, at, end);
        inWord = true;
        at = end + 1;
    }

    private void twice() {
        inWord = true;
        while (at < text.length()) {
            char c = text.charAt(at++);
            if (c == '"') {
                return;
            }
            if (c == '\\' && at < text.length() && "\"$\\".indexOf(text.charAt(at)) >= 0) {
                word.append(text.charAt(at++));
            } else if (c == '$') {
                variable();
            } else {
                word.append(c);
            }
        }
        throw new IllegalArgumentException("a \" that is not closed");
    }

    private void variable() {
        inWord = true;
        if (at < text.length() && text.charAt(at) == '{') {
            int end = closing(at + 1);
            word.append(braced(text.substring(at + 1, end)));
            at = end + 1;
            return;
        }
        int end = at;
        while (end < text.length() && isNamePart(text.charAt(end), end == at)) {
            end++;
        }
        if (end == at) {
            word.append('$');
            return;
        }
        word.append(variables.apply(text.substring(at, end)).orElse(""));
        at = end;
    }

    private int closing(int from) {
        int depth = 1;
        for (int i = from; i < text.length(); i++) {
            if (text.charAt(i) == '{' && text.charAt(i - 1) == '$') {
                depth++;
            } else if (text.charAt(i) == '}' && --depth == 0) {
                return i;
            }
        }
        throw new IllegalArgumentException("a ${ that is not closed");
    }

    private String braced(String inside) {
        int end = 0;
        while (end < inside.length() && isNamePart(inside.charAt(end), end == 0)) {
            end++;
        }
        String name = inside.substring(0, end);
        String rest = inside.substring(end);
        Optional<String> value = variables.apply(name).filter(v -> !v.isEmpty());
        if (!name.isEmpty() && rest.isEmpty()) {
            return value.orElse("");
        }
        if (!name.isEmpty() && rest.startsWith(":-")) {
            return value.orElseGet(() -> one(rest.substring(2), variables));
        }
        if (!name.isEmpty() && rest.startsWith(":+")) {
            return value.isPresent() ? one(rest.substring(2), variables) : "";
        }
        throw new IllegalArgumentException("${" + inside + "} is not one of ${name}, ${name:-word}, ${name:+word}");
    }

    private static boolean isNamePart(char c, boolean first) {
        boolean letter = c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z';
        return letter || !first && c >= '0' && c <= '9';
    }
}
