package dev.atoll.tests.fault;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.CreateSandbox;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.Node;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.Source;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.EachIsolation;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;

/** The machine starts anew: every process was killed, nothing is mounted, the run directory is gone. */
@EachIsolation
class RebootTest {
    @Parameter
    Isolation isolation = Isolation.CONTAINER;

    private AtollNode node;

    @BeforeEach
    void start() {
        node = AtollNode.start();
    }

    @AfterEach
    void stop() {
        node.close();
    }

    @Test
    void whatRanIsStoppedWithItsFilesAndStartsAgain() {
        node.stopEngine();
        Map<String, SandboxId> sandboxes;
        String snapshot;
        try (var engine = new DoomedEngineProcess(node.instance(), "states", isolation)) {
            sandboxes = Map.of(
                    "running", new SandboxId(engine.id("running")),
                    "paused", new SandboxId(engine.id("paused")),
                    "stopped", new SandboxId(engine.id("stopped")));
            snapshot = engine.id("snapshot");
            engine.kill();
            node.reboot();
        }
        node.startWarden();
        node.startEngine();
        assertThat(node.warden().listAll().live()).isEmpty();
        assertThat(node.engine().node().audit(false)).isEmpty();
        sandboxes.forEach((before, id) -> {
            assertThat(node.engine().sandboxes().get(CALLER, id).state())
                    .as("the one that was %s", before)
                    .isEqualTo(SandboxState.STOPPED);
            Sandbox started = node.engine().sandboxes().start(CALLER, id);
            assertThat(started.state()).isEqualTo(SandboxState.RUNNING);
            node.sh(id, Payload.CHECK);
        });
        assertThat(sandboxes.values()).allMatch(id -> node.engine().sandboxes().get(CALLER, id).isolation() == isolation);
        Sandbox fork = node.engine().sandboxes().create(
                CALLER, CreateSandbox.from(new Source.OfSnapshot(snapshot)).build());
        node.sh(fork.id(), Payload.CHECK);
        assertThat(node.engine().node().audit(false)).isEmpty();
        assertThat(node.engine().node().doctor()).filteredOn(Node.Check::required).allMatch(Node.Check::ok);
    }
}
