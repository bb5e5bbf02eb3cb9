package dev.atoll.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.SandboxState;
import dev.atoll.engine.Reconciler.Verdict;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VerdictTest {
    @ParameterizedTest
    @CsvSource({
        "CREATING, true,  true,  REMOVE",
        "CREATING, false, false, REMOVE",
        "RUNNING,  true,  true,  ADOPT",
        "RUNNING,  false, true,  STOPPED",
        "RUNNING,  false, false, LOST",
        "PAUSED,   true,  true,  ADOPT",
        "PAUSED,   false, true,  STOPPED",
        "STOPPED,  true,  true,  KILL",
        "STOPPED,  false, true,  KEEP",
        "STOPPED,  false, false, LOST",
        "FAILED,   true,  true,  KILL",
        "DELETED,  true,  true,  REMOVE",
    })
    void whatBecomesOfASandboxAtAStart(SandboxState state, boolean lives, boolean hasDisk, Verdict expected) {
        assertThat(Reconciler.verdict(state, lives, hasDisk)).isEqualTo(expected);
    }
}
