package dev.atoll.tests.fault;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.Isolation;
import dev.atoll.domain.ProcessEvent;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SandboxState;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.EachIsolation;
import dev.atoll.tests.Kernel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;

/** Engine and warden are killed at once, with no chance to clean up, while commands run. */
@EachIsolation
class BothKilledTest {
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
    void commandsGoOnAndWhatTheyWroteMeanwhileIsThere() throws IOException {
        Map<SandboxId, Path> progress;
        node.stopEngine();
        try (var engine = new DoomedEngineProcess(node.instance(), "counters", isolation)) {
            var detached = new SandboxId(engine.id("detached"));
            var read = new SandboxId(engine.id("read"));
            progress = Map.of(detached, progressOf(detached), read, progressOf(read));
            node.killWarden();
            engine.kill();
        }
        Map<SandboxId, Integer> before = progress.entrySet().stream()
                .collect(Collectors.toMap(Map.Entry::getKey, e -> counted(e.getValue())));
        progress.forEach((id, path) -> Awaitility.await("the counter goes on with neither engine nor warden")
                .until(() -> counted(path) > before.getOrDefault(id, 0) + 20));

        node.startWarden();
        node.startEngine();
        for (Map.Entry<SandboxId, Integer> entry : before.entrySet()) {
            SandboxId id = entry.getKey();
            Sandbox adopted = node.engine().sandboxes().get(CALLER, id);
            assertThat(adopted.state()).isEqualTo(SandboxState.RUNNING);
            assertThat(adopted.generation()).as("it never ended").isEqualTo(1);
            node.sh(id, "touch " + DoomedEngine.ENOUGH);
            String earlier = numbers(1, entry.getValue());
            String all = attach(id, 0);
            int last = counted(node.hostPath(id, DoomedEngine.PROGRESS));
            assertThat(all).isEqualTo(numbers(1, last));
            assertThat(attach(id, earlier.length())).isEqualTo(all.substring(earlier.length()));
            assertThat(node.engine().processes().get(CALLER, id, DoomedEngine.COUNTER).exit().orElseThrow().code())
                    .isZero();
        }
        assertThat(node.sh(node.create(isolation).id(), "echo and new ones start")).isEqualTo("and new ones start");
        assertThat(node.engine().node().audit(false)).isEmpty();
    }

    /** By the host's own eyes, since there is nobody else to ask; the pid is looked up while there is. */
    private Path progressOf(SandboxId id) {
        try (var warden = node.connectWarden()) {
            int pid = warden.listAll().live().stream()
                    .filter(live -> live.id().equals(id))
                    .findFirst()
                    .orElseThrow()
                    .pid();
            return Path.of(Kernel.rootOf(pid) + DoomedEngine.PROGRESS);
        }
    }

    private static int counted(Path progress) {
        try {
            return Files.exists(progress) ? Integer.parseInt(Files.readString(progress)) : 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String numbers(int first, int last) {
        return IntStream.rangeClosed(first, last).mapToObj(n -> n + "\n").collect(Collectors.joining());
    }

    private String attach(SandboxId id, long offset) {
        var bytes = new ByteArrayOutputStream();
        try (var stream = node.engine().processes().attach(CALLER, id, DoomedEngine.COUNTER, offset, 0, false)) {
            Optional<ProcessEvent> event;
            while ((event = stream.next()).isPresent()) {
                assertThat(event.get()).isNotInstanceOf(ProcessEvent.Gap.class);
                if (event.get() instanceof ProcessEvent.Output output) {
                    bytes.writeBytes(output.bytes());
                }
            }
        }
        return AtollNode.text(bytes.toByteArray());
    }

}
