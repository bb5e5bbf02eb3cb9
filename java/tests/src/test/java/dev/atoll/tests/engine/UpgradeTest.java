package dev.atoll.tests.engine;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.FileContext;
import dev.atoll.domain.GuestException;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.ProcessExit;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SandboxState;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.EachIsolation;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;

/**
 * From one build to the next, whose protocol is newer, without an end of sandboxes. That a guest speaks
 * the older one is seen by what came with the newer: a command of a user that is shut out of the default
 * directory.
 */
@EachIsolation
class UpgradeTest {
    private static final ProcessId WAITING = new ProcessId("waiting");
    private static final Duration LONG = Duration.ofSeconds(30);

    @Parameter
    private Isolation isolation = Isolation.CONTAINER;

    private AtollNode node;

    @BeforeEach
    void start() {
        node = AtollNode.startOfVersionBefore();
    }

    @AfterEach
    void stop() {
        node.close();
    }

    private String whoNobodyIs(SandboxId sandbox) {
        var asked = ProcessSpec.of(List.of("sh", "-c", "id -un; pwd")).withUser(Optional.of("nobody"));
        return AtollNode.text(node.engine().processes().run(CALLER, sandbox, asked, 1 << 10).stdout());
    }

    private void upgrade() {
        node.stopEngine();
        node.killWarden();
        node.updateGuest();
        node.startWarden();
        node.startEngine();
    }

    @Test
    void sandboxesWithAGuestOfTheVersionBeforeGoOnAndBootWithTodays() {
        Sandbox old = node.create(isolation);
        assertThatThrownBy(() -> whoNobodyIs(old.id())).isInstanceOf(GuestException.class);
        node.engine().processes().startDetached(
                CALLER, old.id(),
                ProcessSpec.of(List.of("sh", "-c", "until [ -e /root/go ]; do sleep 0.1; done; exit 7")).withId(WAITING));

        upgrade();

        Sandbox adopted = node.engine().sandboxes().get(CALLER, old.id());
        assertThat(adopted.state()).isEqualTo(SandboxState.RUNNING);
        assertThat(adopted.generation()).isEqualTo(1);
        assertThat(node.sh(old.id(), "echo alive")).isEqualTo("alive");
        assertThatThrownBy(() -> whoNobodyIs(old.id())).as("it is still the older guest").isInstanceOf(GuestException.class);
        assertThat(node.engine().files().stat(CALLER, old.id(), FileContext.DEFAULT, "/etc/passwd", true).size()).isPositive();
        node.sh(old.id(), "touch /root/go");
        assertThat(node.engine().processes().await(CALLER, old.id(), WAITING, LONG).map(ProcessExit::code)).contains(7);

        Sandbox made = node.create(isolation);
        assertThat(whoNobodyIs(made.id())).isEqualTo("nobody\n/\n");

        node.engine().sandboxes().pause(CALLER, old.id());
        node.engine().sandboxes().resume(CALLER, old.id());
        SandboxId fork = node.engine().sandboxes().fork(CALLER, old.id(), List.of(Optional.empty())).getFirst().id();
        assertThat(node.sh(fork, "ls /root/go")).isEqualTo("/root/go");
        assertThat(whoNobodyIs(fork)).isEqualTo("nobody\n/\n");

        node.engine().sandboxes().stop(CALLER, old.id(), Duration.ofSeconds(1));
        assertThat(node.engine().sandboxes().start(CALLER, old.id()).generation()).isEqualTo(2);
        assertThat(whoNobodyIs(old.id())).isEqualTo("nobody\n/\n");
        assertThat(node.sh(old.id(), "ls /root/go")).isEqualTo("/root/go");
        assertThat(node.engine().node().audit(false)).isEmpty();
    }
}
