package dev.atoll.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.SandboxState;
import dev.atoll.engine.Reconciler.Saved;
import dev.atoll.engine.Reconciler.Verdict;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VerdictTest {
    @ParameterizedTest
    @CsvSource({
        "CREATING,   true,  true,  NOTHING, REMOVE",
        "CREATING,   false, false, NOTHING, REMOVE",
        "RUNNING,    true,  true,  NOTHING, ADOPT",
        "RUNNING,    false, true,  NOTHING, STOPPED",
        "RUNNING,    false, false, NOTHING, LOST",
        "PAUSED,     true,  true,  NOTHING, ADOPT",
        "PAUSED,     false, true,  NOTHING, STOPPED",
        "STOPPED,    true,  true,  NOTHING, KILL",
        "STOPPED,    false, true,  NOTHING, KEEP",
        "STOPPED,    false, false, NOTHING, LOST",
        "FAILED,     true,  true,  NOTHING, KILL",
        "DELETED,    true,  true,  NOTHING, REMOVE",
        "RUNNING,    false, true,  MEMORY,  HIBERNATED",
        "PAUSED,     false, true,  MEMORY,  HIBERNATED",
        "RUNNING,    false, true,  USED,    STOPPED",
        "RUNNING,    true,  true,  USED,    ADOPT",
        "HIBERNATED, false, true,  MEMORY,  KEEP",
        "HIBERNATED, false, true,  USED,    KEEP",
        "HIBERNATED, true,  true,  USED,    KILL",
        "HIBERNATED, false, true,  NOTHING, STOPPED",
        "HIBERNATED, false, false, NOTHING, LOST",
        "ARCHIVED,   false, false, NOTHING, KEEP",
        "ARCHIVED,   false, true,  NOTHING, ARCHIVED",
        "ARCHIVED,   true,  true,  NOTHING, KILL",
    })
    void whatBecomesOfASandboxAtAStart(
            SandboxState state, boolean lives, boolean hasDisk, Saved saved, Verdict expected) {
        assertThat(Reconciler.verdict(state, lives, hasDisk, saved)).isEqualTo(expected);
    }
}
