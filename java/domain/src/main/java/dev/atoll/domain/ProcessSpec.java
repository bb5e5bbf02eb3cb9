package dev.atoll.domain;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A process to start. Built with {@link #of} or {@link #shell}.
 *
 * @param id empty = the engine chooses
 * @param argv the program and its arguments, at most 4,096 of at most 128 KiB each and 1 MiB together
 * @param script when present, its bytes (at most 8 MiB) are handed over as a file whose path is
 *     appended to argv, so that they need not fit one argument
 * @param secrets more environment, over the sandbox's and below {@code env}
 * @param clearEnv leave out the sandbox's default environment
 * @param cwd empty = the sandbox's workdir
 * @param user empty = the sandbox's user
 * @param stdin keep standard input open; else it is /dev/null
 * @param mergeOutput stderr goes where stdout goes, in order
 * @param timeout zero = none; at its end the process group is killed
 * @param requiredReader a full output buffer holds the process instead of dropping its oldest bytes
 * @param killOnDetach kill it when the stream that started it is closed
 */
public record ProcessSpec(
        Optional<ProcessId> id,
        List<String> argv,
        Optional<byte[]> script,
        Map<String, String> env,
        List<EnvSource> secrets,
        boolean clearEnv,
        Optional<String> cwd,
        Optional<String> user,
        Optional<Tty> tty,
        boolean stdin,
        boolean mergeOutput,
        Duration timeout,
        boolean requiredReader,
        boolean killOnDetach) {
    /** The longest single argument the kernel takes (MAX_ARG_STRLEN), less its NUL. */
    public static final int MAX_ARGUMENT_BYTES = (128 << 10) - 1;
    /** The longest {@link #script}. */
    public static final int MAX_SCRIPT_BYTES = 8 << 20;

    /** Size of a terminal, 1 to 1,000 each way. */
    public record Tty(int columns, int rows, String term) {
        public Tty {
            InvalidFieldException.requireRange("tty.columns", columns, 1, 1000);
            InvalidFieldException.requireRange("tty.rows", rows, 1, 1000);
            InvalidFieldException.requireLength("tty.term", term, 1, 64);
        }
    }

    public ProcessSpec {
        argv = List.copyOf(argv);
        InvalidFieldException.requireRange("argv.size", argv.size(), 1, 4096);
        long total = 0;
        for (String argument : argv) {
            int bytes = argument.getBytes(StandardCharsets.UTF_8).length;
            InvalidFieldException.requireRange("argv.bytes", bytes, 0, MAX_ARGUMENT_BYTES);
            if (argument.indexOf('\0') >= 0) {
                throw new InvalidFieldException("argv", "(an argument with NUL)", "arguments without NUL");
            }
            total += bytes;
        }
        InvalidFieldException.requireRange("argv.total", total, 1, 1 << 20);
        env = Map.copyOf(env);
        secrets = List.copyOf(secrets);
        InvalidFieldException.requireRange("secrets.size", secrets.size(), 0, 64);
        CreateSandbox.checkEnv(env);
        script.ifPresent(s -> InvalidFieldException.requireRange("script.bytes", s.length, 0, MAX_SCRIPT_BYTES));
        if (timeout.isNegative() || timeout.compareTo(Duration.ofDays(30)) > 0) {
            throw new InvalidFieldException("timeout", timeout.toString(), "0 (none) to 30 days");
        }
        cwd.ifPresent(c -> InvalidFieldException.requireLength("cwd", c, 1, 4096));
        user.ifPresent(u -> InvalidFieldException.requireLength("user", u, 1, 256));
    }

    /** Runs these arguments with nothing special. */
    public static ProcessSpec of(List<String> argv) {
        return new ProcessSpec(
                Optional.empty(), argv, Optional.empty(), Map.of(), List.of(), false, Optional.empty(), Optional.empty(),
                Optional.empty(), false, false, Duration.ZERO, true, false);
    }

    /** Runs a shell command of any length up to {@link #MAX_SCRIPT_BYTES} with this shell. */
    public static ProcessSpec shell(String shell, String command) {
        byte[] bytes = command.getBytes(StandardCharsets.UTF_8);
        if (bytes.length <= MAX_ARGUMENT_BYTES) {
            return of(List.of(shell, "-c", command));
        }
        ProcessSpec base = of(List.of(shell));
        return new ProcessSpec(
                base.id, base.argv, Optional.of(bytes), base.env, base.secrets, base.clearEnv, base.cwd, base.user, base.tty,
                base.stdin, base.mergeOutput, base.timeout, base.requiredReader, base.killOnDetach);
    }

    public ProcessSpec withId(ProcessId value) {
        return new ProcessSpec(
                Optional.of(value), argv, script, env, secrets, clearEnv, cwd, user, tty, stdin, mergeOutput, timeout,
                requiredReader, killOnDetach);
    }

    public ProcessSpec withEnv(Map<String, String> value) {
        return new ProcessSpec(
                id, argv, script, value, secrets, clearEnv, cwd, user, tty, stdin, mergeOutput, timeout, requiredReader,
                killOnDetach);
    }

    public ProcessSpec withSecrets(List<EnvSource> value) {
        return new ProcessSpec(
                id, argv, script, env, value, clearEnv, cwd, user, tty, stdin, mergeOutput, timeout, requiredReader,
                killOnDetach);
    }

    public ProcessSpec withCwd(Optional<String> value) {
        return new ProcessSpec(
                id, argv, script, env, secrets, clearEnv, value, user, tty, stdin, mergeOutput, timeout, requiredReader,
                killOnDetach);
    }

    public ProcessSpec withUser(Optional<String> value) {
        return new ProcessSpec(
                id, argv, script, env, secrets, clearEnv, cwd, value, tty, stdin, mergeOutput, timeout, requiredReader,
                killOnDetach);
    }

    public ProcessSpec withTty(Tty value) {
        return new ProcessSpec(
                id, argv, script, env, secrets, clearEnv, cwd, user, Optional.of(value), true, true, timeout, requiredReader,
                killOnDetach);
    }

    public ProcessSpec withStdin(boolean value) {
        return new ProcessSpec(
                id, argv, script, env, secrets, clearEnv, cwd, user, tty, value, mergeOutput, timeout, requiredReader,
                killOnDetach);
    }

    public ProcessSpec withMergedOutput() {
        return new ProcessSpec(
                id, argv, script, env, secrets, clearEnv, cwd, user, tty, stdin, true, timeout, requiredReader, killOnDetach);
    }

    public ProcessSpec withTimeout(Duration value) {
        return new ProcessSpec(
                id, argv, script, env, secrets, clearEnv, cwd, user, tty, stdin, mergeOutput, value, requiredReader,
                killOnDetach);
    }

    public ProcessSpec withReader(boolean required, boolean killWhenDetached) {
        return new ProcessSpec(
                id, argv, script, env, secrets, clearEnv, cwd, user, tty, stdin, mergeOutput, timeout, required,
                killWhenDetached);
    }
}
