package dev.atoll.app.cli;

import dev.atoll.app.run.OperatorException;
import java.util.Locale;

/** Asks before what cannot be undone. */
final class Confirmation {
    private Confirmation() {}

    /** @throws OperatorException unless a person at a terminal says yes */
    static void require(String question, String option) {
        var console = System.console();
        if (console == null || !console.isTerminal()) {
            throw new OperatorException("not asking without a terminal; give " + option);
        }
        String answer = console.readLine("%s [y/N] ", question);
        if (answer == null || !answer.strip().toLowerCase(Locale.ROOT).startsWith("y")) {
            throw new OperatorException("nothing was done");
        }
    }
}
