package dev.atoll.tests.fault;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.ArchiveOptions;
import dev.atoll.domain.CapacityException;
import dev.atoll.domain.FileContext;
import dev.atoll.domain.Hold;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.ProcessExit;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.WriteOptions;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.EachIsolation;
import dev.atoll.tests.PoolSize;
import dev.atoll.warden.LiveSandbox;
import java.io.InputStream;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;

/** Sandboxes write more than the pool has, each within its own disk. */
@EachIsolation
class PoolFullTest {
    @Parameter
    Isolation isolation = Isolation.CONTAINER;

    private static final long MIB = 1 << 20;
    /** About 1.85 GiB of it are free beside the base template and the file system's own. */
    private static final PoolSize POOL = new PoolSize(2560 * MIB, 512 * MIB, 256 * MIB);
    /** With this the writers meet the freeze mark, without it they fit. */
    private static final long BALLAST_MIB = 1050;
    private static final int WRITERS = 3;
    private static final ProcessId WRITER = new ProcessId("writer");

    /**
     * 150 MiB in one go without any sync, and meanwhile 90 MiB in files that are synced one by one.
     * The hash of a file goes to the list when its fsync came back.
     */
    private static final String WRITE = """
            import hashlib, os, threading
            os.makedirs('/root/data')
            os.chdir('/root/data')
            known = open('/root/known', 'w')
            def acknowledge(name, digest):
                known.write(digest + '  ' + name + '\\n')
                known.flush()
                os.fsync(known.fileno())
            def bulk():
                digest = hashlib.sha256()
                with open('bulk', 'wb') as f:
                    for i in range(150):
                        block = os.urandom(1 << 20)
                        digest.update(block)
                        f.write(block)
                acknowledge('bulk', digest.hexdigest())
            thread = threading.Thread(target=bulk)
            thread.start()
            for i in range(30):
                block = os.urandom(3 << 20)
                with open('f%d' % i, 'wb') as f:
                    f.write(block)
                    f.flush()
                    os.fsync(f.fileno())
                acknowledge('f%d' % i, hashlib.sha256(block).hexdigest())
            thread.join()
            """;

    private static final String CHECK = "cd /root/data && sha256sum --quiet -c /root/known && wc -l < /root/known";

    private AtollNode node;

    @BeforeEach
    void start() {
        node = AtollNode.start(POOL, config -> config);
    }

    @AfterEach
    void stop() {
        node.close();
    }

    @Test
    void newWorkIsRefusedAndNoWriteIsLost() {
        // Under gVisor it may be held with the writers: the host writes a few pages of it late.
        SandboxId bystander = node.create(isolation).id();
        SandboxId ballast = ballast();
        List<SandboxId> writers = writers();
        SandboxId unused = firstHeld();
        assertRefused(() -> node.create(isolation));
        assertRefused(() -> node.engine().snapshots().create(CALLER, bystander, Optional.empty(), Optional.empty()));
        assertRefused(() -> node.engine().sandboxes().fork(CALLER, bystander, List.of(Optional.empty())));
        var unread = new InputStream() {
            @Override
            public int read() {
                throw new AssertionError("an upload was read before it was refused");
            }
        };
        assertRefused(() -> node.engine().files()
                .write(CALLER, bystander, FileContext.DEFAULT, "/root/more", WriteOptions.REPLACE, unread));
        assertRefused(() -> node.engine().files()
                .extract(CALLER, bystander, FileContext.DEFAULT, "/root", new ArchiveOptions(false, false, 0, 0), unread));
        assertThat(node.engine().node().health().detail()).isPresent();
        if (isolation == Isolation.CONTAINER) {
            assertGoesOn(bystander);
        }

        node.engine().sandboxes().delete(CALLER, ballast);
        Awaitility.await("the bystander goes on").atMost(Duration.ofMinutes(1))
                .ignoreExceptionsInstanceOf(CapacityException.class)
                .untilAsserted(() -> assertGoesOn(bystander));
        for (SandboxId writer : writers) {
            assertWroteAll(writer);
            node.engine().sandboxes().stop(CALLER, writer, Duration.ofSeconds(1));
            node.engine().sandboxes().start(CALLER, writer);
            assertThat(node.sh(writer, CHECK)).isEqualTo("31");
        }
        assertThat(node.sh(node.create(isolation).id(), "echo room again")).isEqualTo("room again");
        assertThat(node.engine().node().audit(false)).isEmpty();
    }

    /**
     * It was told as running to callers that then waited for nothing, and as paused to an engine or a
     * warden that came later, which never let it go on.
     */
    @Test
    void aSandboxThatIsHeldIsToldAsSuchAndGoesOnByItself() {
        SandboxId ballast = ballast();
        List<SandboxId> writers = writers();
        SandboxId held = firstHeld();
        assertHeld(held, SandboxState.RUNNING);
        assertThatThrownBy(() -> node.engine().sandboxes().resume(CALLER, held)).isInstanceOf(CapacityException.class);
        assertThatThrownBy(() -> node.sh(held, "true"))
                .isInstanceOf(CapacityException.class)
                .hasMessageContaining("goes on by itself");

        node.killWarden();
        node.startWarden();
        node.restartEngine();
        assertHeld(held, SandboxState.RUNNING);
        assertRefusedBelowFreezing(() -> node.warden().thaw(held));

        node.engine().sandboxes().pause(CALLER, held);
        assertHeld(held, SandboxState.PAUSED);
        assertThatThrownBy(() -> node.engine().sandboxes().resume(CALLER, held)).isInstanceOf(CapacityException.class);

        node.engine().sandboxes().delete(CALLER, ballast);
        Awaitility.await("nothing is held").atMost(Duration.ofMinutes(1)).until(() -> writers.stream()
                .allMatch(writer -> node.engine().sandboxes().get(CALLER, writer).hold().isEmpty()));
        assertThat(node.engine().sandboxes().get(CALLER, held).state()).isEqualTo(SandboxState.PAUSED);
        assertThat(node.engine().sandboxes().resume(CALLER, held).state()).isEqualTo(SandboxState.RUNNING);
        writers.forEach(this::assertWroteAll);
    }

    private SandboxId ballast() {
        SandboxId ballast = node.create(isolation).id();
        node.sh(ballast, "head -c " + BALLAST_MIB + "M /dev/zero > /root/ballast && sync");
        return ballast;
    }

    private List<SandboxId> writers() {
        List<SandboxId> writers = Stream.generate(() -> node.create(isolation).id()).limit(WRITERS).toList();
        for (SandboxId writer : writers) {
            node.engine().processes().startDetached(
                    CALLER, writer, ProcessSpec.of(List.of("python3", "-c", WRITE)).withId(WRITER).withMergedOutput());
        }
        return writers;
    }

    private SandboxId firstHeld() {
        return Awaitility.await("writers are held").atMost(Duration.ofMinutes(1)).until(
                () -> node.warden().listAll().live().stream().filter(LiveSandbox::held).map(LiveSandbox::id).findFirst(),
                Optional::isPresent).orElseThrow();
    }

    private void assertHeld(SandboxId sandbox, SandboxState state) {
        Awaitility.await("it is told").atMost(Duration.ofSeconds(20)).untilAsserted(() -> {
            Sandbox told = node.engine().sandboxes().get(CALLER, sandbox);
            assertThat(told.hold()).contains(Hold.POOL_FULL);
            assertThat(told.state()).isEqualTo(state);
        });
    }

    private void assertWroteAll(SandboxId writer) {
        ProcessExit exit = Awaitility.await("the end of a writer").atMost(Duration.ofMinutes(1))
                // It may be held again for a moment.
                .ignoreExceptionsInstanceOf(CapacityException.class)
                .until(() -> node.engine().processes().get(CALLER, writer, WRITER).exit(), Optional::isPresent)
                .orElseThrow();
        assertThat(exit.code()).as(() -> outputOf(writer)).isZero();
        assertThat(node.sh(writer, CHECK)).isEqualTo("31");
    }

    private static void assertRefusedBelowFreezing(ThrowingCallable work) {
        assertThatThrownBy(work)
                .isInstanceOf(CapacityException.class)
                .hasMessageContaining(Long.toString(POOL.freeze()));
    }

    private void assertRefused(ThrowingCallable work) {
        var refused = assertThatThrownBy(work)
                .isInstanceOfSatisfying(CapacityException.class,
                        e -> assertThat(e.what()).isEqualTo(CapacityException.What.POOL));
        if (isolation == Isolation.CONTAINER) {
            refused.hasMessageContaining(Long.toString(POOL.admission()));
        } else {
            refused.hasMessageMatching("(?s).*(" + POOL.admission() + "|the pool is nearly full).*");
        }
    }

    private void assertGoesOn(SandboxId sandbox) {
        assertThat(node.sh(sandbox, "echo those that do not write go on"))
                .isEqualTo("those that do not write go on");
    }

    private String outputOf(SandboxId sandbox) {
        return AtollNode.text(node.engine().processes()
                .run(CALLER, sandbox, ProcessSpec.of(List.of("true")).withId(WRITER), 10_000).stdout());
    }
}
