package dev.atoll.tests.engine;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.CapacityException;
import dev.atoll.domain.CreateSandbox;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.Resources;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxChange;
import dev.atoll.domain.SandboxQuery;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.Snapshot;
import dev.atoll.domain.Source;
import dev.atoll.domain.Volume;
import dev.atoll.engine.Quotas;
import dev.atoll.engine.Quotas.Quota;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.BlobGate;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What happens to a disk or a quota while something else with it is under way. */
@Timeout(120)
class AtOnceTest {
    private static final BlobGate GATE = new BlobGate();

    private static AtollNode node;

    /** A sandbox here has 1 CPU, 512 MiB of memory and a disk of 2 GiB. */
    @BeforeAll
    static void start() {
        var quota = new Quota(
                Optional.empty(), Optional.empty(), Optional.of(Resources.GIB), Optional.of(6 * Resources.GIB),
                Optional.empty());
        node = AtollNode.startWithBlobs(config -> config.withQuotas(new Quotas(quota, Map.of())), GATE::before);
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    @AfterEach
    void deleteAll() {
        for (Sandbox sandbox : node.engine().sandboxes().list(CALLER, SandboxQuery.ALL).items()) {
            node.engine().sandboxes().delete(CALLER, sandbox.id());
        }
        for (Volume volume : node.engine().volumes().list(CALLER)) {
            node.engine().volumes().delete(CALLER, volume.id());
        }
        assertThat(node.engine().node().audit(false)).isEmpty();
    }

    private static Sandbox stopped() {
        Sandbox sandbox = node.create();
        return node.engine().sandboxes().stop(CALLER, sandbox.id(), Duration.ZERO);
    }

    /** The state says ARCHIVED until the disk is here. */
    @Test
    void aDiskThatIsOnItsWayBackCountsForTheQuota() throws Exception {
        Sandbox first = stopped();
        Sandbox second = stopped();
        node.engine().sandboxes().archive(CALLER, first.id());
        node.engine().sandboxes().archive(CALLER, second.id());
        Volume volume = node.engine().volumes().create(CALLER, "big", 4 * Resources.GIB);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor();
                BlobGate.Held held = GATE.hold()) {
            Future<Sandbox> restore = threads.submit(() -> node.engine().sandboxes().restore(CALLER, first.id()));
            Awaitility.await().until(() -> GATE.waiting() == 1);
            Future<Sandbox> other = threads.submit(() -> node.engine().sandboxes().restore(CALLER, second.id()));
            // One that is let through waits at the gate.
            Awaitility.await().until(() -> other.isDone() || GATE.waiting() == 2);
            held.close();
            assertThat(restore.get().state()).isEqualTo(SandboxState.STOPPED);
            assertThatThrownBy(other::get)
                    .hasCauseInstanceOf(CapacityException.class)
                    .hasMessageContaining("bytes of disks");
        }
        node.engine().volumes().delete(CALLER, volume.id());
        assertThat(node.engine().sandboxes().restore(CALLER, second.id()).state()).isEqualTo(SandboxState.STOPPED);
    }

    /** Each is admitted before any of them is in a record. */
    @Test
    void limitsThatAreRaisedAtOnceStayWithinTheQuota() throws Exception {
        List<Sandbox> both = List.of(node.create(), node.create());
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int round = 0; round < 20; round++) {
                for (Sandbox sandbox : both) {
                    limit(sandbox, 256);
                }
                var go = new CountDownLatch(1);
                var raised = both.stream().map(sandbox -> threads.submit(() -> {
                    go.await();
                    return limit(sandbox, 640);
                })).toList();
                go.countDown();
                for (Future<Sandbox> one : raised) {
                    try {
                        one.get();
                    } catch (ExecutionException e) {
                        assertThat(e.getCause()).isInstanceOf(CapacityException.class);
                    }
                }
                assertThat(node.engine().sandboxes().list(CALLER, SandboxQuery.ALL).items())
                        .extracting(sandbox -> sandbox.resources().memoryBytes() / Resources.MIB)
                        .containsExactlyInAnyOrder(256L, 640L);
            }
        }
    }

    private static Sandbox limit(Sandbox sandbox, int mebibytes) {
        return node.engine().sandboxes().update(
                CALLER, sandbox.id(),
                SandboxChange.NOTHING.withLimits(Optional.empty(), Optional.of(mebibytes * Resources.MIB)));
    }

    @Test
    void aSnapshotThatIsDeletedWhileItIsRestoredLeavesNoDisk() throws Exception {
        Sandbox sandbox = stopped();
        Snapshot snapshot =
                node.engine().snapshots().create(CALLER, sandbox.id(), Optional.of("leaving"), Optional.empty());
        node.engine().snapshots().archive(CALLER, snapshot.id());
        try (var threads = Executors.newVirtualThreadPerTaskExecutor();
                BlobGate.Held held = GATE.hold()) {
            Future<Sandbox> create = threads.submit(() -> node.engine().sandboxes().create(
                    CALLER, CreateSandbox.from(new Source.OfSnapshot("leaving")).build()));
            Awaitility.await().until(() -> GATE.waiting() == 1);
            var delete = new Thread(() -> node.engine().snapshots().delete(CALLER, snapshot.id()));
            delete.start();
            // It waits for the restore, or is through.
            Awaitility.await().until(() -> !delete.isAlive() || delete.getState() == Thread.State.BLOCKED);
            held.close();
            assertThatThrownBy(create::get).hasCauseInstanceOf(NotFoundException.class);
            delete.join();
        }
        assertThat(node.warden().listAll().snapshots()).isEmpty();
        assertThat(node.store().archives().of(snapshot.id().value())).isEmpty();
        assertThatThrownBy(() -> node.engine().snapshots().get(CALLER, "leaving")).isInstanceOf(NotFoundException.class);
    }

    @Test
    void aSnapshotThatIsDeletedWhileItIsArchivedLeavesNothing() throws Exception {
        Sandbox sandbox = stopped();
        Snapshot snapshot =
                node.engine().snapshots().create(CALLER, sandbox.id(), Optional.of("leaving"), Optional.empty());
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<Snapshot> archive = threads.submit(() -> node.engine().snapshots().archive(CALLER, snapshot.id()));
            node.engine().snapshots().delete(CALLER, snapshot.id());
            try {
                archive.get();
            } catch (ExecutionException e) {
                assertThat(e.getCause()).isInstanceOf(NotFoundException.class);
            }
        }
        assertThat(node.warden().listAll().snapshots()).isEmpty();
        assertThat(node.store().archives().of(snapshot.id().value())).isEmpty();
    }
}
