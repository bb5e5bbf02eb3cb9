package dev.atoll.app.cli;

import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import sun.misc.Signal;

/** The terminal that a command runs in, by stty(1). */
final class Terminal implements AutoCloseable {
    private static final File DEVICE = new File("/dev/tty");

    /** @param columns and rows of characters */
    record Size(int columns, int rows) {}

    private final String saved;
    private final Thread restore;

    private Terminal(String saved) {
        this.saved = saved;
        restore = new Thread(this::restore, "terminal");
    }

    /** Whether standard output is one. */
    static boolean isOutput() {
        var console = System.console();
        return console != null && console.isTerminal();
    }

    /** Whether standard input is one. */
    static boolean isInput() {
        return succeeds("test", "-t", "0");
    }

    /** Keys go to the program unchanged until this is closed, or the JVM ends. Empty without a terminal. */
    static Optional<Terminal> raw() {
        String saved = stty("-g");
        if (saved == null || stty("raw", "-echo") == null) {
            return Optional.empty();
        }
        var terminal = new Terminal(saved);
        Runtime.getRuntime().addShutdownHook(terminal.restore);
        return Optional.of(terminal);
    }

    static Optional<Size> size() {
        String size = stty("size");
        if (size == null || !size.matches("\\d+ \\d+")) {
            return Optional.empty();
        }
        String[] parts = size.split(" ", -1);
        int rows = Integer.parseInt(parts[0]);
        int columns = Integer.parseInt(parts[1]);
        return rows == 0 || columns == 0 ? Optional.empty() : Optional.of(new Size(columns, rows));
    }

    /** Calls back when its size changes, on a thread of the JVM's. */
    static void onResize(Runnable callback) {
        Signal.handle(new Signal("WINCH"), signal -> callback.run());
    }

    @Override
    public void close() {
        Runtime.getRuntime().removeShutdownHook(restore);
        restore();
    }

    private void restore() {
        stty(saved);
    }

    /** Of a command that gets this program's standard input. */
    private static boolean succeeds(String... command) {
        try {
            return new ProcessBuilder(command).redirectInput(Redirect.INHERIT).start().waitFor() == 0;
        } catch (IOException cannot) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static @Nullable String stty(String... arguments) {
        var command = new String[arguments.length + 1];
        command[0] = "stty";
        System.arraycopy(arguments, 0, command, 1, arguments.length);
        try {
            Process process = new ProcessBuilder(command)
                    .redirectInput(DEVICE)
                    .redirectError(Redirect.DISCARD)
                    .start();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            return process.waitFor() == 0 ? said : null;
        } catch (IOException noTerminal) {
            return null;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return null;
        }
    }
}
