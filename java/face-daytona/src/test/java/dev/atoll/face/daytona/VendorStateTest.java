package dev.atoll.face.daytona;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.Isolation;
import dev.atoll.domain.NetworkPolicy;
import dev.atoll.domain.Operation;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Resources;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.TemplateId;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class VendorStateTest {
    private static final String HEX = "0123456789abcdef0123456789abcdef";

    /** daytona_api_client 0.155.0, models/sandbox_state.py. */
    private static final Set<String> KNOWN_TO_SDK_0_155 = Set.of(
            "creating", "restoring", "destroyed", "destroying", "started", "stopped", "starting", "stopping", "error",
            "build_failed", "pending_build", "building_snapshot", "unknown", "pulling_snapshot", "archived",
            "archiving", "resizing");

    /** The same, models/sandbox_desired_state.py. */
    private static final Set<String> DESIRED_KNOWN_TO_SDK_0_155 =
            Set.of("destroyed", "started", "stopped", "resized", "archived");

    @ParameterizedTest
    @EnumSource
    void oldSdksKnowTheWordOfEveryState(SandboxState state) {
        Sandbox sandbox = sandbox(state, Optional.empty());
        assertThat(KNOWN_TO_SDK_0_155).contains(VendorState.of(sandbox));
        assertThat(DESIRED_KNOWN_TO_SDK_0_155).contains(VendorState.desired(sandbox));
    }

    @ParameterizedTest
    @EnumSource
    void oldSdksKnowTheWordOfEveryOperation(Operation operation) {
        Sandbox sandbox = sandbox(SandboxState.RUNNING, Optional.of(operation));
        assertThat(KNOWN_TO_SDK_0_155).contains(VendorState.of(sandbox));
        assertThat(DESIRED_KNOWN_TO_SDK_0_155).contains(VendorState.desired(sandbox));
    }

    @ParameterizedTest
    @CsvSource({"STOPPED, STARTING, starting, started", "RUNNING, STOPPING, stopping, stopped",
        "RUNNING, SNAPSHOTTING, started, started", "RUNNING, DELETING, destroying, destroyed"})
    void anOperationShowsWhereItLeads(SandboxState state, Operation operation, String word, String desired) {
        Sandbox sandbox = sandbox(state, Optional.of(operation));
        assertThat(VendorState.of(sandbox)).isEqualTo(word);
        assertThat(VendorState.desired(sandbox)).isEqualTo(desired);
    }

    @Test
    void aFilterWordSelectsEveryStateThatIsCalledSo() {
        assertThat(VendorState.selectedBy("stopped"))
                .containsExactlyInAnyOrder(SandboxState.STOPPED, SandboxState.PAUSED, SandboxState.HIBERNATED);
        assertThat(VendorState.selectedBy("starting")).isEmpty();
    }

    private static Sandbox sandbox(SandboxState state, Optional<Operation> operation) {
        return new Sandbox(
                new SandboxId(HEX), ProjectId.DEFAULT, "name", Map.of(), new TemplateId(HEX), "base",
                Isolation.CONTAINER, new Resources(1000, Resources.GIB, Resources.GIB, 0), Map.of(), "root", "",
                NetworkPolicy.OPEN, List.of(), Map.of(), state,
                operation.map(o -> new Operation.UnderWay(o, Instant.EPOCH)), Optional.empty(), 1, Optional.empty(),
                Instant.EPOCH, Instant.EPOCH, Instant.EPOCH, Optional.empty(), Optional.empty(), List.of(), Optional.empty());
    }
}
