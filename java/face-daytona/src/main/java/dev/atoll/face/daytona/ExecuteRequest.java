package dev.atoll.face.daytona;

import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.ProcessSpec;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The body of {@code process/execute}.
 *
 * @param command not blank, at most 8 MiB; see {@link CommandLine}
 * @param envs on top of the sandbox's own; newer clients only
 * @param timeout seconds, 1 to 30 days; absent or 0: none
 */
record ExecuteRequest(
        @Nullable String command,
        @Nullable String cwd,
        @Nullable Map<String, @Nullable String> envs,
        @Nullable Integer timeout) {
    /** Room for a command of 8 MiB whose quotes and line ends are escaped, and for the rest. */
    static final int MAX_BODY = 2 * ProcessSpec.MAX_SCRIPT_BYTES + (1 << 20);

    private static final int LONGEST_SECONDS = 30 * 24 * 3600;

    /** @throws InvalidFieldException naming the field */
    ProcessSpec spec() {
        if (command == null || command.isBlank()) {
            throw new InvalidFieldException("command", command == null ? "(absent)" : command, "a command that is not blank");
        }
        if (timeout != null) {
            InvalidFieldException.requireRange("timeout", timeout, 0, LONGEST_SECONDS);
        }
        CommandLine line = CommandLine.of(command);
        return ProcessSpec.shell(line.shell(), line.script())
                .withMergedOutput()
                .withReader(true, false)
                .withCwd(Optional.ofNullable(cwd).filter(c -> !c.isEmpty()))
                .withEnv(TextMaps.of("envs", envs))
                .withTimeout(timeout == null ? Duration.ZERO : Duration.ofSeconds(timeout));
    }
}
