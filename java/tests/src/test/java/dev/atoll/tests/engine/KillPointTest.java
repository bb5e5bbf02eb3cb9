package dev.atoll.tests.engine;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.Caller;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SandboxQuery;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.Snapshot;
import dev.atoll.domain.Template;
import dev.atoll.engine.KillPoint;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.ChildJvm;
import dev.atoll.warden.Layer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The program ends at each kill point in turn, in an order that a seed decides, while one sandbox
 * lives through it all. After each end an engine is started again: nothing that was acknowledged is
 * lost, no command is left half-done, and kernel, pool and journal hold nothing too much.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class KillPointTest {
    private static final Caller OPERATOR = new Caller(ProjectId.DEFAULT, "operator", true);

    private final long seed = Long.getLong("atoll.test.seed", 20_261_124L);
    private AtollNode node;
    private SandboxId container;
    private SandboxId gvisor;
    /** The one of the two that the point is about. */
    private SandboxId survivor;

    @BeforeAll
    void start() {
        node = AtollNode.start();
        container = node.create(Isolation.CONTAINER).id();
        gvisor = node.create(Isolation.GVISOR).id();
        survivor = container;
        for (SandboxId each : List.of(container, gvisor)) {
            node.sh(each, "echo " + KillPointChild.ACKNOWLEDGED + " > /root/file; sync");
        }
    }

    @AfterAll
    void stop() {
        node.close();
    }

    /** Each point with each class that has it. */
    Stream<Arguments> points() {
        var points = new ArrayList<Arguments>();
        for (KillPoint point : KillPoint.values()) {
            classesOf(point).forEach(isolation -> points.add(Arguments.of(isolation, point)));
        }
        Collections.shuffle(points, new Random(seed));
        return points.stream();
    }

    Stream<Arguments> pointsOfForks() {
        return points().filter(arguments -> arguments.get()[1].toString().startsWith("FORK_"));
    }

    private static List<Isolation> classesOf(KillPoint point) {
        return switch (point) {
            case HIBERNATE_REQUESTED, HIBERNATE_SAVED, HIBERNATE_COMMITTED, WAKE_REQUESTED, WAKE_CLAIMED,
                    WAKE_CONFIGURED, WAKE_COMMITTED, MEMORY_QUIESCED -> List.of(Isolation.GVISOR);
            // Builds run in containers.
            case BUILD_STEP_RUN, BUILD_STEP_KEPT, BUILD_LAYER_MADE, BUILD_COMMITTED -> List.of(Isolation.CONTAINER);
            default -> List.of(Isolation.CONTAINER, Isolation.GVISOR);
        };
    }

    @ParameterizedTest
    @MethodSource("points")
    void nothingIsLostAndNothingIsLeft(Isolation isolation, KillPoint point) throws Exception {
        assertNothingIsLostOrLeft(isolation, point, 2);
    }

    /** Its disk is the fork's snapshot itself, no clone of it. */
    @ParameterizedTest
    @MethodSource("pointsOfForks")
    void nothingOfAnOnlyChildIsLostOrLeft(Isolation isolation, KillPoint point) throws Exception {
        assertNothingIsLostOrLeft(isolation, point, 1);
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.MATCH_ANY, names = {"SNAPSHOT_.*", "MEMORY_QUIESCED"})
    void nothingOfASnapshotWithMemoryIsLostOrLeft(KillPoint point) throws Exception {
        assertNothingIsLostOrLeft(Isolation.GVISOR, point, KillPointChild.WITH_MEMORY);
    }

    private void assertNothingIsLostOrLeft(Isolation isolation, KillPoint point, int children) throws Exception {
        survivor = isolation == Isolation.GVISOR ? gvisor : container;
        if (point == KillPoint.MEMORY_QUIESCED) {
            node.sh(survivor, "(while :; do date +%N > /root/now; done) >/dev/null 2>&1 &");
        }
        node.stopEngine();
        assertThat(child(isolation, point, children)).as("exit status of the program that is ended at %s", point).isEqualTo(KillPointChild.HALTED);
        node.startEngine();
        assertThat(node.engine().node().audit(false)).as("leaks after an end at %s, seed %d", point, seed).isEmpty();
        assertOutcome(point);
        assertSurvivor();
        tidyUp();
        assertThat(node.warden().listAll().disks()).hasSize(2);
        assertThat(node.warden().listAll().memories()).isEmpty();
        assertThat(node.warden().listAll().snapshots()).isEmpty();
    }

    private int child(Isolation isolation, KillPoint point, int children) throws InterruptedException {
        return ChildJvm.start(
                        KillPointChild.class, ProcessBuilder.Redirect.INHERIT,
                        node.instance(), survivor.value(), point.name(), "1", Integer.toString(children), isolation.name())
                .waitFor();
    }

    private void assertOutcome(KillPoint point) {
        switch (point) {
            case CREATE_NAMED, CREATE_CLAIMED ->
                assertThat(node.engine().sandboxes().findByName(CALLER, "half-made")).isEmpty();
            case CREATE_CONFIGURED -> assertWholeOrNothing();
            case CREATE_COMMITTED ->
                assertThat(node.engine().sandboxes().findByName(CALLER, "half-made"))
                        .map(Sandbox::state).contains(SandboxState.RUNNING);
            case EXEC_REQUESTED, EXEC_STARTED, EXEC_ENDED -> assertRunsOnce();
            case STOP_REQUESTED, STOP_SHUT_DOWN -> assertThat(stateOfSurvivor()).isEqualTo(SandboxState.RUNNING);
            case STOP_KILLED, STOP_COMMITTED, START_REQUESTED, START_CLAIMED, START_CONFIGURED ->
                assertThat(stateOfSurvivor()).isEqualTo(SandboxState.STOPPED);
            case START_COMMITTED -> assertThat(stateOfSurvivor()).isEqualTo(SandboxState.RUNNING);
            case MEMORY_QUIESCED -> {
                assertThat(stateOfSurvivor()).isEqualTo(SandboxState.RUNNING);
                assertProcessesGoOn();
            }
            case HIBERNATE_REQUESTED, WAKE_COMMITTED -> assertThat(stateOfSurvivor()).isEqualTo(SandboxState.RUNNING);
            case HIBERNATE_SAVED, HIBERNATE_COMMITTED, WAKE_REQUESTED, WAKE_CLAIMED, WAKE_CONFIGURED ->
                assertThat(stateOfSurvivor()).isEqualTo(SandboxState.HIBERNATED);
            case ARCHIVE_REQUESTED, ARCHIVE_STORED, RESTORE_COMMITTED -> {
                assertThat(stateOfSurvivor()).isEqualTo(SandboxState.STOPPED);
                assertThat(node.warden().listAll().disks()).hasSize(2);
            }
            case ARCHIVE_COMMITTED, ARCHIVE_DISK_GONE, RESTORE_REQUESTED, RESTORE_WRITTEN -> {
                assertThat(stateOfSurvivor()).isEqualTo(SandboxState.ARCHIVED);
                assertThat(node.warden().listAll().disks()).hasSize(1);
            }
            case SNAPSHOT_REQUESTED, SNAPSHOT_MADE ->
                assertThat(node.engine().snapshots().list(CALLER)).isEmpty();
            case SNAPSHOT_COMMITTED ->
                assertThat(node.engine().snapshots().list(CALLER)).extracting(Snapshot::name).containsExactly("half-made");
            case FORK_REQUESTED, FORK_SNAPSHOT_MADE ->
                assertThat(node.engine().sandboxes().findByName(CALLER, "child-1")).isEmpty();
            case FORK_CHILD_MADE, FORK_SNAPSHOT_DROPPED ->
                assertThat(node.engine().sandboxes().list(CALLER, SandboxQuery.ALL).items())
                        .as("every child that is there runs")
                        .allMatch(s -> s.state() == SandboxState.RUNNING)
                        .hasSizeGreaterThan(1);
            case DELETE_MARKED, DELETE_KILLED, DELETE_DISK_GONE, DELETE_COMMITTED ->
                assertThat(node.engine().sandboxes().findByName(CALLER, "doomed")).isEmpty();
            case BUILD_STEP_RUN, BUILD_STEP_KEPT, BUILD_LAYER_MADE -> {
                assertThat(templates()).doesNotContain("half-made");
                assertThat(node.warden().listAll().layers()).extracting(Layer::name).doesNotContain("");
            }
            case BUILD_COMMITTED -> assertThat(templates()).contains("half-made");
        }
    }

    /** Whether its row was durable is chance; what is there must be all of it. */
    private void assertWholeOrNothing() {
        node.engine().sandboxes().findByName(CALLER, "half-made").ifPresent(made -> {
            assertThat(made.state()).isEqualTo(SandboxState.RUNNING);
            assertThat(node.sh(made.id(), "echo lives")).isEqualTo("lives");
        });
    }

    /** The client's retry of the same process id: it has run once, whenever the first call was cut off. */
    private void assertRunsOnce() {
        ProcessSpec spec = ProcessSpec.of(List.of("/bin/sh", "-c", "echo ran >> /root/ran"));
        node.engine().processes().run(CALLER, survivor, spec.withId(new ProcessId("once")), 1000);
        assertThat(node.sh(survivor, "cat /root/ran")).isEqualTo("ran");
    }

    private void assertProcessesGoOn() {
        Awaitility.await().ignoreExceptions().until(() -> {
            String then = node.sh(survivor, "cat /root/now");
            return !node.sh(survivor, "cat /root/now").equals(then);
        });
    }

    private void assertSurvivor() {
        node.engine().sandboxes().start(CALLER, survivor);
        Awaitility.await().ignoreExceptions().untilAsserted(() -> assertThat(node.sh(survivor, "cat /root/file"))
                .isEqualTo(KillPointChild.ACKNOWLEDGED));
    }

    private List<String> templates() {
        return node.engine().templates().list(CALLER).stream().map(Template::name).toList();
    }

    private SandboxState stateOfSurvivor() {
        return node.engine().sandboxes().get(CALLER, survivor).state();
    }

    /** Back to the one sandbox; its next boot forgets the process ids. */
    private void tidyUp() {
        for (Sandbox sandbox : node.engine().sandboxes().list(CALLER, SandboxQuery.ALL).items()) {
            if (!sandbox.id().equals(container) && !sandbox.id().equals(gvisor)) {
                node.engine().sandboxes().delete(CALLER, sandbox.id());
            }
        }
        node.engine().snapshots().list(CALLER).forEach(s -> node.engine().snapshots().delete(CALLER, s.id()));
        node.engine().templates().list(CALLER).stream()
                .filter(t -> !t.builtIn())
                .forEach(t -> node.engine().templates().delete(CALLER, t.id()));
        node.engine().node().prune(OPERATOR);
        node.sh(survivor, "rm -f /root/ran");
        node.engine().sandboxes().stop(CALLER, survivor, Duration.ZERO);
        node.engine().sandboxes().start(CALLER, survivor);
    }
}
