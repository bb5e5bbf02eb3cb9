package dev.atoll.app.run;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/** Runs short programs of the system. */
final class Commands {
    private Commands() {}

    /** Its standard output without the last line break. @throws OperatorException with what it said when it fails */
    static String output(String... command) {
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            if (process.waitFor() != 0) {
                throw new OperatorException("'" + String.join(" ", command) + "' failed: " + said);
            }
            return said;
        } catch (IOException e) {
            throw new UncheckedIOException(command[0] + " cannot be run", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new OperatorException(command[0] + " was interrupted");
        }
    }

    /** Like {@link #output}, empty when it fails. */
    static Optional<String> tryOutput(String... command) {
        try {
            return Optional.of(output(command));
        } catch (OperatorException failed) {
            return Optional.empty();
        }
    }

    /**
     * Runs with this program's own output; what it says on its standard error comes at the end.
     *
     * @throws OperatorException when it fails, with what it said if that was one line
     */
    static void run(String what, List<String> command) {
        try {
            Process process = new ProcessBuilder(command)
                    .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
                    .redirectOutput(ProcessBuilder.Redirect.INHERIT)
                    .start();
            String said = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            int status = process.waitFor();
            boolean oneLine = said.lines().count() == 1;
            if (status != 0 && oneLine) {
                throw new OperatorException(said);
            }
            if (!said.isEmpty()) {
                System.err.println(said);
            }
            if (status != 0) {
                throw new OperatorException(what + " failed");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(command.getFirst() + " cannot be run", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new OperatorException(what + " was interrupted");
        }
    }
}
