package dev.atoll.tests.engine;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.AtollException;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.LifecycleRule;
import dev.atoll.domain.ProcessEvent;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SandboxQuery;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.SnapshotId;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.EachIsolation;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;

/** The engine, the warden or both end while sandboxes run. */
@EachIsolation
class RestartTest {
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
    void aRunningSandboxAndItsProcessesGoOnWithoutTheEngine() {
        Sandbox made = node.create(isolation);
        var id = new ProcessId("counter");
        node.engine().processes().startDetached(CALLER, made.id(),
                ProcessSpec.of(List.of("/bin/sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.3; done")).withId(id));
        node.restartEngine();
        Sandbox adopted = node.engine().sandboxes().get(CALLER, made.id());
        assertThat(adopted.state()).isEqualTo(SandboxState.RUNNING);
        assertThat(adopted.generation()).isEqualTo(1);
        assertThat(output(made.id(), id)).isEqualTo("1\n2\n3\n");
        assertThat(node.sh(made.id(), "echo alive")).isEqualTo("alive");
    }

    @Test
    void pausedAndStoppedSandboxesAreStillThat() {
        Sandbox paused = node.create(isolation);
        Sandbox stopped = node.create(isolation);
        node.engine().sandboxes().pause(CALLER, paused.id());
        node.engine().sandboxes().stop(CALLER, stopped.id(), Duration.ZERO);
        node.restartEngine();
        assertThat(state(paused.id())).isEqualTo(SandboxState.PAUSED);
        assertThat(state(stopped.id())).isEqualTo(SandboxState.STOPPED);
        node.engine().sandboxes().resume(CALLER, paused.id());
        assertThat(node.sh(paused.id(), "echo alive")).isEqualTo("alive");
        node.engine().sandboxes().start(CALLER, stopped.id());
        assertThat(node.sh(stopped.id(), "echo alive")).isEqualTo("alive");
    }

    @Test
    void aSandboxThatEndedMeanwhileIsStoppedWithItsFiles() {
        Sandbox made = node.create(isolation);
        node.sh(made.id(), "echo kept > /root/file; sync");
        int pid = node.warden().listAll().live().getFirst().pid();
        node.stopEngine();
        ProcessHandle process = ProcessHandle.of(pid).orElseThrow();
        process.destroyForcibly();
        Awaitility.await().until(() -> !process.isAlive());
        node.startEngine();
        Awaitility.await().until(() -> state(made.id()) == SandboxState.STOPPED);
        node.engine().sandboxes().start(CALLER, made.id());
        assertThat(node.sh(made.id(), "cat /root/file")).isEqualTo("kept");
    }

    @Test
    void aDeadlineThatPassedMeanwhileFiresAtTheNextStart() {
        Sandbox made = node.engine().sandboxes().create(
                CALLER, AtollNode.base(isolation).rules(List.of(LifecycleRule.stopWhenIdle(Duration.ofMinutes(15)))).build());
        node.stopEngine();
        node.clock().advance(Duration.ofMinutes(16));
        node.startEngine();
        Awaitility.await().until(() -> state(made.id()) == SandboxState.STOPPED);
    }

    @Test
    void aKilledWardenDisturbsNoSandboxAndItsSuccessorTakesOver() {
        Sandbox made = node.create(isolation);
        node.sh(made.id(), "echo kept > /root/file");
        node.killWarden();
        assertThat(node.sh(made.id(), "cat /root/file")).isEqualTo("kept");
        node.startWarden();
        assertThat(node.sh(node.create(isolation).id(), "echo alive")).isEqualTo("alive");
        node.engine().sandboxes().stop(CALLER, made.id(), Duration.ofSeconds(1));
        node.engine().sandboxes().start(CALLER, made.id());
        assertThat(node.sh(made.id(), "cat /root/file")).isEqualTo("kept");
    }

    @Test
    void bothEndAndEverythingIsTakenOver() {
        Sandbox made = node.create(isolation);
        node.sh(made.id(), "echo kept > /root/file");
        node.killWarden();
        node.stopEngine();
        node.startWarden();
        node.startEngine();
        assertThat(state(made.id())).isEqualTo(SandboxState.RUNNING);
        assertThat(node.sh(made.id(), "cat /root/file")).isEqualTo("kept");
    }

    @Test
    void whatTheJournalDoesNotKnowIsRemoved() {
        Sandbox made = node.create(isolation);
        var unknown = new SnapshotId("e".repeat(32));
        node.warden().snapshot(made.id(), unknown);
        node.restartEngine();
        assertThat(node.warden().listAll().snapshots()).isEmpty();
        assertThat(node.engine().node().audit(false)).isEmpty();
    }

    /** Each is whole or not there, at whatever step the warden was. */
    @Test
    void aWardenKilledWhileSandboxesComeAndGoLeavesNothingHalf() throws InterruptedException {
        for (int millis : List.of(10, 60, 150)) {
            List<SandboxId> old = List.of(node.create(isolation).id(), node.create(isolation).id());
            var calls = new ArrayList<Thread>();
            old.forEach(id -> calls.add(cutOff(() -> node.engine().sandboxes().delete(CALLER, id))));
            for (int i = 0; i < 4; i++) {
                calls.add(cutOff(() -> node.create(isolation)));
            }
            Thread.sleep(Duration.ofMillis(millis));
            node.killWarden();
            node.startWarden();
            for (Thread call : calls) {
                call.join();
            }
            List<Sandbox> left = node.engine().sandboxes().list(CALLER, SandboxQuery.ALL).items();
            assertThat(left).extracting(Sandbox::id).doesNotContainAnyElementsOf(old);
            for (Sandbox sandbox : left) {
                node.engine().sandboxes().start(CALLER, sandbox.id());
                assertThat(node.sh(sandbox.id(), "echo alive")).isEqualTo("alive");
                node.engine().sandboxes().delete(CALLER, sandbox.id());
            }
            node.restartEngine();
            Awaitility.await().untilAsserted(() -> assertThat(node.engine().node().audit(false)).isEmpty());
            assertThat(node.warden().listAll().live()).isEmpty();
            assertThat(node.warden().listAll().disks()).isEmpty();
        }
    }

    /** What the killed warden did not answer fails; what came of it is looked at afterwards. */
    private static Thread cutOff(Runnable call) {
        return Thread.ofVirtual().start(() -> {
            try {
                call.run();
            } catch (AtollException e) {
                // Either outcome is fine.
            }
        });
    }

    private SandboxState state(SandboxId id) {
        return node.engine().sandboxes().get(CALLER, id).state();
    }

    /** All that the process wrote to stdout, read to its end. */
    private String output(SandboxId sandbox, ProcessId process) {
        var bytes = new ByteArrayOutputStream();
        try (var stream = node.engine().processes().attach(CALLER, sandbox, process, 0, 0, false)) {
            Optional<ProcessEvent> event;
            while ((event = stream.next()).isPresent()) {
                if (event.get() instanceof ProcessEvent.Output output) {
                    bytes.writeBytes(output.bytes());
                }
            }
        }
        return AtollNode.text(bytes.toByteArray());
    }
}
