package dev.atoll.app.bench;

import java.util.Locale;

/**
 * Whether a promise held.
 *
 * @param what the measured quantity, with its unit
 * @param promise its bound, for example {@code <= 5}
 */
record Verdict(String what, double measured, String promise, boolean held) {
    static Verdict atMost(String what, double measured, double limit) {
        return new Verdict(what, measured, "<= " + number(limit), measured <= limit);
    }

    static Verdict atLeast(String what, double measured, double limit) {
        return new Verdict(what, measured, ">= " + number(limit), measured >= limit);
    }

    private static String number(double limit) {
        return limit == Math.rint(limit) ? String.format(Locale.ROOT, "%.0f", limit) : Double.toString(limit);
    }
}
