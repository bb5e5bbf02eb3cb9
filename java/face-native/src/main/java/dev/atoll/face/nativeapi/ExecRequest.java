package dev.atoll.face.nativeapi;

import dev.atoll.domain.EnvSource;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.http.InvalidInputException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A process to run. Either {@code argv} or {@code command}, which a shell runs.
 *
 * @param stdin text for standard input, of at most 8 MiB; or {@code stdinBase64} for bytes
 * @param keepStdin keep standard input open for later input
 * @param killOnDetach end the process when the connection that started it is lost
 * @param requiredReader hold the process when nobody reads and its buffer is full, instead of dropping
 *     its oldest output
 */
record ExecRequest(
        Optional<String> id,
        Optional<List<String>> argv,
        Optional<String> command,
        Optional<String> shell,
        Optional<Map<String, String>> env,
        Optional<List<String>> secrets,
        Optional<Boolean> clearEnv,
        Optional<String> cwd,
        Optional<String> user,
        Optional<TtyRequest> tty,
        Optional<String> stdin,
        Optional<String> stdinBase64,
        Optional<Boolean> keepStdin,
        Optional<Boolean> mergeOutput,
        Optional<Double> timeoutSeconds,
        Optional<Integer> maxOutputBytes,
        Optional<Boolean> killOnDetach,
        Optional<Boolean> requiredReader) {
    static final int DEFAULT_MAX_OUTPUT = 4 << 20;
    static final int MAX_MAX_OUTPUT = 16 << 20;
    private static final int MAX_STDIN = 8 << 20;
    private static final String DEFAULT_SHELL = "/bin/sh";

    record TtyRequest(Optional<Integer> columns, Optional<Integer> rows, Optional<String> term) {
        ProcessSpec.Tty tty() {
            return new ProcessSpec.Tty(columns.orElse(80), rows.orElse(24), term.orElse("xterm-256color"));
        }
    }

    /**
     * @param requiredByDefault what an absent {@code requiredReader} means for this kind of call
     * @param sources what {@code secrets} names
     */
    ProcessSpec spec(boolean requiredByDefault, List<EnvSource> sources) {
        ProcessSpec base = program();
        boolean open = keepStdin.orElse(false) || stdin.isPresent() || stdinBase64.isPresent() || tty.isPresent();
        return new ProcessSpec(
                id.map(ProcessId::new),
                base.argv(),
                base.script(),
                env.orElse(Map.of()),
                sources,
                clearEnv.orElse(false),
                cwd,
                user,
                tty.map(TtyRequest::tty),
                open,
                mergeOutput.orElse(false) || tty.isPresent(),
                Input.seconds("timeoutSeconds", timeoutSeconds),
                requiredReader.orElse(requiredByDefault),
                killOnDetach.orElse(false));
    }

    private ProcessSpec program() {
        if (argv.isPresent() == command.isPresent()) {
            throw new InvalidInputException(
                    "argv", argv.isPresent() ? "argv and command" : "(absent)", "one of argv and command");
        }
        if (command.isPresent()) {
            if (command.get().isBlank()) {
                throw new InvalidInputException("command", command.get(), "a command");
            }
            return ProcessSpec.shell(shell.orElse(DEFAULT_SHELL), command.get());
        }
        if (shell.isPresent()) {
            throw new InvalidInputException("shell", shell.get(), "only together with command");
        }
        return ProcessSpec.of(argv.get());
    }

    int maxOutput() {
        return Input.limit("maxOutputBytes", maxOutputBytes, DEFAULT_MAX_OUTPUT, MAX_MAX_OUTPUT);
    }

    /** The bytes for standard input, when there are any to write at once. */
    Optional<byte[]> input() {
        if (stdin.isPresent() && stdinBase64.isPresent()) {
            throw new InvalidInputException("stdin", "stdin and stdinBase64", "one of stdin and stdinBase64");
        }
        Optional<byte[]> bytes = stdinBase64.isPresent()
                ? stdinBase64.map(ExecRequest::decode)
                : stdin.map(text -> text.getBytes(StandardCharsets.UTF_8));
        bytes.ifPresent(b -> {
            if (b.length > MAX_STDIN) {
                throw new InvalidInputException("stdin", b.length + " bytes", "at most " + MAX_STDIN + " bytes");
            }
        });
        return bytes;
    }

    boolean keepsStdin() {
        return keepStdin.orElse(false);
    }

    private static byte[] decode(String base64) {
        try {
            return Base64.getDecoder().decode(base64);
        } catch (IllegalArgumentException e) {
            throw new InvalidInputException("stdinBase64", base64, "base64");
        }
    }
}
