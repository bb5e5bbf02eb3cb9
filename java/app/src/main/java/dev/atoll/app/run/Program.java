package dev.atoll.app.run;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;

/** One of the two programs of an instance: how it is started, told from others, and ended. */
abstract sealed class Program permits WardenProgram, EngineProgram {
    private static final long ROTATE_AT_BYTES = 16 << 20;
    private static final int TAIL_LINES = 6;
    /** What a stack trace says of places in the code. */
    private static final Pattern STACK = Pattern.compile("\\s+(at .*|\\.\\.\\. \\d+ .*)");

    private final String name;
    private final Path pidFile;
    private final Path log;

    Program(String name, Path pidFile, Path log) {
        this.name = name;
        this.pidFile = pidFile;
        this.log = log;
    }

    String name() {
        return name;
    }

    /** The one that runs and answers already. */
    abstract Optional<ProcessHandle> running();

    /**
     * Starts it and returns when it serves.
     *
     * @throws OperatorException with the end of its log when it ends before that
     */
    abstract ProcessHandle start();

    /** How long it may take to end by itself. */
    abstract Duration grace();

    Optional<ProcessHandle> alive() {
        return PidFile.read(pidFile);
    }

    /** SIGTERM, after the grace SIGKILL; returns when it is gone. */
    void stop() {
        alive().ifPresent(this::end);
        PidFile.delete(pidFile);
    }

    private void end(ProcessHandle process) {
        process.destroy();
        try {
            process.onExit().get(grace().toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException stuck) {
            process.destroyForcibly();
            process.onExit().join();
        } catch (ExecutionException impossible) {
            throw new AssertionError("onExit never fails", impossible);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** In a session of its own: a Ctrl-C of the terminal is the supervisor's to handle. */
    Process launch(List<String> command, ProcessBuilder.Redirect output) {
        rotate();
        try {
            Process process = new ProcessBuilder(command)
                    .redirectInput(new File("/dev/null"))
                    .redirectOutput(output)
                    .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
                    .start();
            PidFile.write(pidFile, process.toHandle());
            return process;
        } catch (IOException e) {
            throw new UncheckedIOException("the " + name + " cannot be started", e);
        }
    }

    ProcessBuilder.Redirect toLog() {
        return ProcessBuilder.Redirect.appendTo(log.toFile());
    }

    OperatorException failed(String how) {
        var message = new StringBuilder("the ").append(name).append(' ').append(how).append("; the end of ").append(log).append(':');
        try {
            List<String> lines = Files.readAllLines(log).stream().filter(line -> !STACK.matcher(line).matches()).toList();
            lines.subList(Math.max(0, lines.size() - TAIL_LINES), lines.size()).forEach(line -> message.append("\n  ").append(line));
        } catch (IOException none) {
            message.append(" (nothing)");
        }
        return new OperatorException(message.toString());
    }

    private void rotate() {
        try {
            if (Files.exists(log) && Files.size(log) > ROTATE_AT_BYTES) {
                Files.move(log, log.resolveSibling(log.getFileName() + ".1"), StandardCopyOption.REPLACE_EXISTING);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot rotate " + log, e);
        }
    }
}
