package dev.atoll.image;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * A pattern of paths as Go's {@code filepath.Match} has it, and {@code **} for any number of directories.
 * {@code * ? [ ]} do not match a {@code /}. All ways to match are followed at the same time, so a
 * comparison takes at most the pattern's length times the path's, however the pattern is made. Immutable.
 */
final class Glob {
    private enum Kind {
        /** This character. */
        ONE,
        /** Any but a slash. */
        ANY,
        /** One of a set. */
        SET,
        /** {@code *} */
        STAR,
        /** {@code **} */
        DEEP,
        /** {@code **}{@code /}: nothing, or anything up to a slash. */
        DIRECTORIES
    }

    /** @param ranges first and last character of each, of a set. @param negated whether a set is of all others */
    private record Token(Kind kind, int character, int[] ranges, boolean negated) {
        static Token of(Kind kind) {
            return new Token(kind, 0, new int[0], false);
        }

        static Token of(int character) {
            return new Token(Kind.ONE, character, new int[0], false);
        }

        /** Whether it matches nothing as well. */
        boolean mayBeEmpty() {
            return kind == Kind.STAR || kind == Kind.DEEP || kind == Kind.DIRECTORIES;
        }

        boolean contains(int c) {
            for (int i = 0; i < ranges.length; i += 2) {
                if (ranges[i] <= c && c <= ranges[i + 1]) {
                    return !negated && c != '/';
                }
            }
            return negated && c != '/';
        }
    }

    private final List<Token> tokens;

    private Glob(List<Token> tokens) {
        this.tokens = List.copyOf(tokens);
    }

    /** Every text is a pattern: a bracket that nothing closes stands for itself. */
    static Glob compile(String pattern) {
        return new Glob(new Compiler(pattern.codePoints().toArray()).compile());
    }

    private static final class Compiler {
        private final int[] pattern;
        private final List<Token> tokens = new ArrayList<>();
        private int at;
        /** No bracket that opens from here on is closed. */
        private boolean noneCloses;

        Compiler(int[] pattern) {
            this.pattern = pattern;
        }

        List<Token> compile() {
            while (at < pattern.length) {
                int c = pattern[at++];
                switch (c) {
                    case '*' -> stars();
                    case '?' -> tokens.add(Token.of(Kind.ANY));
                    case '[' -> {
                        if (noneCloses) {
                            tokens.add(Token.of('['));
                        } else {
                            set();
                        }
                    }
                    case '\\' -> {
                        if (at < pattern.length) {
                            tokens.add(Token.of(pattern[at++]));
                        }
                    }
                    default -> tokens.add(Token.of(c));
                }
            }
            return tokens;
        }

        private boolean next(int c) {
            if (at < pattern.length && pattern[at] == c) {
                at++;
                return true;
            }
            return false;
        }

        private void stars() {
            Kind kind = !next('*') ? Kind.STAR : next('/') ? Kind.DIRECTORIES : Kind.DEEP;
            Kind before = tokens.isEmpty() ? Kind.ONE : tokens.getLast().kind();
            // Of neighbours that match all that the other does one is left: what is reached without a
            // character stays short.
            if (before == Kind.DEEP || before == kind) {
                return;
            }
            if (kind == Kind.DEEP && (before == Kind.STAR || before == Kind.DIRECTORIES)) {
                tokens.removeLast();
            }
            tokens.add(Token.of(kind));
        }

        private void set() {
            int begin = at;
            boolean negated = next('^');
            var ranges = new ArrayList<Integer>();
            // A bracket that closes is one of the set when it is its first.
            for (boolean first = true; at < pattern.length && (first || pattern[at] != ']'); first = false) {
                int low = member();
                int high = low;
                if (at + 1 < pattern.length && pattern[at] == '-' && pattern[at + 1] != ']') {
                    at++;
                    high = member();
                }
                ranges.add(low);
                ranges.add(high);
            }
            if (!next(']')) {
                at = begin;
                noneCloses = true;
                tokens.add(Token.of('['));
                return;
            }
            tokens.add(new Token(Kind.SET, 0, ranges.stream().mapToInt(i -> i).toArray(), negated));
        }

        private int member() {
            if (pattern[at] == '\\' && at + 1 < pattern.length) {
                at++;
            }
            return pattern[at++];
        }
    }

    /** Whether it matches all of a path. */
    boolean matches(String path, Effort effort) {
        return matches(path, false, effort);
    }

    /** Whether it matches a path or a directory above it. */
    boolean matchesWithin(String path, Effort effort) {
        return matches(path, true, effort);
    }

    private boolean matches(String path, boolean above, Effort effort) {
        var now = new BitSet(tokens.size() + 1);
        var next = new BitSet(tokens.size() + 1);
        reach(now, 0);
        for (int i = 0; i < path.length(); ) {
            int c = path.codePointAt(i);
            if (above && c == '/' && i > 0 && now.get(tokens.size())) {
                return true;
            }
            effort.spend(1 + step(now, c, next));
            if (next.isEmpty()) {
                return false;
            }
            BitSet before = now;
            now = next;
            next = before;
            i += Character.charCount(c);
        }
        return now.get(tokens.size());
    }

    /** Where one character leads to. @return how many places were looked at, and words of those that were not */
    private int step(BitSet now, int c, BitSet next) {
        next.clear();
        int looked = now.length() / Long.SIZE;
        for (int i = now.nextSetBit(0); i >= 0 && i < tokens.size(); i = now.nextSetBit(i + 1)) {
            looked++;
            Token token = tokens.get(i);
            switch (token.kind()) {
                case ONE -> reachIf(c == token.character(), next, i + 1);
                case ANY -> reachIf(c != '/', next, i + 1);
                case SET -> {
                    looked += token.ranges().length;
                    reachIf(token.contains(c), next, i + 1);
                }
                case STAR -> reachIf(c != '/', next, i);
                case DEEP -> reach(next, i);
                case DIRECTORIES -> {
                    next.set(i);
                    reachIf(c == '/', next, i + 1);
                }
            }
        }
        return looked;
    }

    private void reachIf(boolean leads, BitSet places, int place) {
        if (leads) {
            reach(places, place);
        }
    }

    /** Adds a place and those that follow without a character. */
    private void reach(BitSet places, int place) {
        int reached = place;
        places.set(reached);
        while (reached < tokens.size() && tokens.get(reached).mayBeEmpty()) {
            places.set(++reached);
        }
    }
}
