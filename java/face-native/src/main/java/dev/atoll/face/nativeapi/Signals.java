package dev.atoll.face.nativeapi;

import dev.atoll.http.InvalidInputException;
import java.util.Locale;
import java.util.Map;

/** Names of signals on Linux (x86-64 and arm64, signal(7)). */
final class Signals {
    private static final Map<String, Integer> NUMBERS = Map.ofEntries(
            Map.entry("HUP", 1), Map.entry("INT", 2), Map.entry("QUIT", 3), Map.entry("ILL", 4), Map.entry("TRAP", 5),
            Map.entry("ABRT", 6), Map.entry("BUS", 7), Map.entry("FPE", 8), Map.entry("KILL", 9), Map.entry("USR1", 10),
            Map.entry("SEGV", 11), Map.entry("USR2", 12), Map.entry("PIPE", 13), Map.entry("ALRM", 14),
            Map.entry("TERM", 15), Map.entry("STKFLT", 16), Map.entry("CHLD", 17), Map.entry("CONT", 18),
            Map.entry("STOP", 19), Map.entry("TSTP", 20), Map.entry("TTIN", 21), Map.entry("TTOU", 22),
            Map.entry("URG", 23), Map.entry("XCPU", 24), Map.entry("XFSZ", 25), Map.entry("VTALRM", 26),
            Map.entry("PROF", 27), Map.entry("WINCH", 28), Map.entry("IO", 29), Map.entry("PWR", 30),
            Map.entry("SYS", 31));
    private static final int LAST = 64;

    private Signals() {}

    /** {@code TERM}, {@code SIGTERM} or {@code 15}. */
    static int parse(String text) {
        String name = text.toUpperCase(Locale.ROOT);
        Integer number = NUMBERS.get(name.startsWith("SIG") ? name.substring(3) : name);
        if (number != null) {
            return number;
        }
        if (text.matches("[0-9]{1,2}")) {
            int value = Integer.parseInt(text);
            if (value >= 1 && value <= LAST) {
                return value;
            }
        }
        throw new InvalidInputException("signal", text, "a name like TERM or SIGTERM, or a number from 1 to " + LAST);
    }
}
