package dev.atoll.tests.engine;

import static dev.atoll.tests.AtollNode.CALLER;

import dev.atoll.domain.Build;
import dev.atoll.domain.BuildTemplate;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.engine.KillPoint;
import dev.atoll.engine.KillPoints;
import dev.atoll.tests.AtollNode;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * An engine in a process of its own that is ended at a kill point, on a node whose warden another
 * process has started. It does every multi-step command to the sandbox it is told.
 */
public final class KillPointChild {
    /** Exit status of a process that was ended at its kill point. */
    static final int HALTED = 86;

    /** Text that was written before the command; it must be there afterwards. */
    static final String ACKNOWLEDGED = "acknowledged";

    /** In place of the number of children: a snapshot is one with memory. */
    static final int WITH_MEMORY = 0;

    private KillPointChild() {}

    /**
     * Arguments: instance of the node, id of a running sandbox, the kill point, which time it is meant, the
     * number of children when it forks, the class of what it creates.
     */
    public static void main(String[] arguments) {
        KillPoint point = KillPoint.valueOf(arguments[2]);
        AtollNode node = AtollNode.attach(
                arguments[0], KillPoints.haltAt(point, Integer.parseInt(arguments[3]), HALTED));
        carryOut(node, new SandboxId(arguments[1]), point, Integer.parseInt(arguments[4]), Isolation.valueOf(arguments[5]));
        System.exit(0);
    }

    private static void carryOut(AtollNode node, SandboxId old, KillPoint point, int children, Isolation isolation) {
        var sandboxes = node.engine().sandboxes();
        switch (point) {
            case CREATE_NAMED, CREATE_CLAIMED, CREATE_CONFIGURED, CREATE_COMMITTED ->
                sandboxes.create(CALLER, AtollNode.base(isolation).name(Optional.of("half-made")).build());
            case EXEC_REQUESTED, EXEC_STARTED, EXEC_ENDED -> exec(node, old);
            case STOP_REQUESTED, STOP_SHUT_DOWN, STOP_KILLED, STOP_COMMITTED ->
                sandboxes.stop(CALLER, old, Duration.ofSeconds(1));
            case START_REQUESTED, START_CLAIMED, START_CONFIGURED, START_COMMITTED -> {
                sandboxes.stop(CALLER, old, Duration.ZERO);
                sandboxes.start(CALLER, old);
            }
            case HIBERNATE_REQUESTED, HIBERNATE_SAVED, HIBERNATE_COMMITTED -> sandboxes.hibernate(CALLER, old, false);
            case WAKE_REQUESTED, WAKE_CLAIMED, WAKE_CONFIGURED, WAKE_COMMITTED -> {
                sandboxes.hibernate(CALLER, old, false);
                sandboxes.resume(CALLER, old);
            }
            case ARCHIVE_REQUESTED, ARCHIVE_STORED, ARCHIVE_COMMITTED, ARCHIVE_DISK_GONE -> {
                sandboxes.stop(CALLER, old, Duration.ofSeconds(5));
                sandboxes.archive(CALLER, old);
            }
            case RESTORE_REQUESTED, RESTORE_WRITTEN, RESTORE_COMMITTED -> {
                sandboxes.stop(CALLER, old, Duration.ofSeconds(5));
                sandboxes.archive(CALLER, old);
                sandboxes.start(CALLER, old);
            }
            case SNAPSHOT_REQUESTED, SNAPSHOT_MADE, SNAPSHOT_COMMITTED, MEMORY_QUIESCED -> {
                if (children == WITH_MEMORY) {
                    node.engine().snapshots()
                            .createWithMemory(CALLER, old, Optional.of("half-made"), Optional.empty(), true);
                } else if (point == KillPoint.MEMORY_QUIESCED) {
                    sandboxes.hibernate(CALLER, old, true);
                } else {
                    node.engine().snapshots().create(CALLER, old, Optional.of("half-made"), Optional.empty());
                }
            }
            case FORK_REQUESTED, FORK_SNAPSHOT_MADE, FORK_CHILD_MADE, FORK_SNAPSHOT_DROPPED ->
                sandboxes.fork(CALLER, old, IntStream.rangeClosed(1, children)
                        .mapToObj(i -> Optional.of("child-" + i))
                        .toList());
            case DELETE_MARKED, DELETE_KILLED, DELETE_DISK_GONE, DELETE_COMMITTED -> {
                Sandbox doomed = sandboxes.create(CALLER, AtollNode.base(isolation).name(Optional.of("doomed")).build());
                sandboxes.delete(CALLER, doomed.id());
            }
            case BUILD_STEP_RUN, BUILD_STEP_KEPT, BUILD_LAYER_MADE, BUILD_COMMITTED -> {
                Build build = node.engine().builds().start(
                        CALLER, BuildTemplate.of("FROM base\nRUN echo built > /built").withName(Optional.of("half-made")));
                node.engine().builds().await(CALLER, build.id(), Duration.ofMinutes(2));
            }
        }
    }

    private static void exec(AtollNode node, SandboxId sandbox) {
        ProcessSpec spec = ProcessSpec.of(List.of("/bin/sh", "-c", "echo ran >> /root/ran"));
        node.engine().processes().startDetached(CALLER, sandbox, spec.withId(new ProcessId("once")));
        node.engine().processes().run(CALLER, sandbox, spec.withId(new ProcessId("once")), 1000);
    }
}
