package dev.atoll.face.daytona;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CommandLineTest {
    @Test
    void theCallOfAnOldSdkIsItsScriptAndNothingInItIsExpanded() {
        String script = "export K=$(echo 'dg==' | base64 -d); echo 'aWQ=' | base64 -d | sh";
        assertThat(CommandLine.of("sh -c \"" + script + "\"")).isEqualTo(new CommandLine("sh", script));
    }

    @Test
    void singleQuotesAndOtherShellsAreCallsToo() {
        assertThat(CommandLine.of(" /bin/bash -c 'echo \"$0\" \\n' "))
                .isEqualTo(new CommandLine("/bin/bash", "echo \"$0\" \\n"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "echo hello",
                "sh -c \"a\" && sh -c \"b\"",
                "sh -c \"echo \\\"quoted\\\"\"",
                "sh -c \"echo \\$HOME\"",
                "sh -c echo",
                "sh -c \"",
                "sh -c ",
                "bash -lc 'x'",
                "push -c 'x'",
            })
    void anythingElseIsAScriptForSh(String command) {
        assertThat(CommandLine.of(command)).isEqualTo(new CommandLine("sh", command));
    }
}
