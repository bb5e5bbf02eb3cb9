package dev.atoll.face.daytona;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A command as {@code process/execute} gets it.
 *
 * <p>SDKs of the 0.15x line send {@code sh -c "…"} and rely on a daemon that splits words and does
 * nothing else: no expansion, no backslash, a quote ends at the next same quote
 * (daytonaio/daytona, apps/daemon/pkg/toolbox/process/execute.go, parseCommand). Their "…" may hold
 * {@code export K=$(…)}, which an outer shell would expand once too often, and may be longer than
 * the 128 KiB of one argument. So a command that is such a call and nothing else runs as that
 * shell's script; any other is a script for {@code sh}, as newer SDKs mean it.
 *
 * @param shell the program that interprets the script
 */
record CommandLine(String shell, String script) {
    private static final Pattern CALL =
            Pattern.compile("\\s*((?:(?:/usr)?/bin/)?(?:sh|bash)) -c ");

    static CommandLine of(String command) {
        Matcher matcher = CALL.matcher(command);
        if (matcher.lookingAt()) {
            String word = command.substring(matcher.end()).strip();
            if (isOneQuotedWord(word)) {
                return new CommandLine(matcher.group(1), word.substring(1, word.length() - 1));
            }
        }
        return new CommandLine("sh", command);
    }

    private static boolean isOneQuotedWord(String word) {
        if (word.length() < 2) {
            return false;
        }
        char quote = word.charAt(0);
        if (quote != '"' && quote != '\'') {
            return false;
        }
        boolean closesAtTheEnd = word.indexOf(quote, 1) == word.length() - 1;
        // A backslash between double quotes means one thing to that daemon and another to a shell; leave it to the shell.
        return closesAtTheEnd && (quote == '\'' || word.indexOf('\\') < 0);
    }
}
