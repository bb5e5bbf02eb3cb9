package dev.atoll.tests.engine;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.ConflictException;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.LifecycleRule;
import dev.atoll.domain.LifecycleRule.Action;
import dev.atoll.domain.LifecycleRule.Since;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.UnsupportedException;
import dev.atoll.domain.WrongStateException;
import dev.atoll.tests.AtollNode;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Memory of gVisor sandboxes on the disk: hibernation, and forks that go on. */
class HibernateTest {
    private static AtollNode node;

    @BeforeAll
    static void start() {
        node = AtollNode.start();
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    @Test
    void memoryFilesAndProcessesGoOnAndTheSandboxIsAGenerationOlder() {
        SandboxId id = MemoryHolder.start(node);
        node.sh(id, "echo kept > /root/file");
        Sandbox hibernated = node.engine().sandboxes().hibernate(CALLER, id, false);
        assertThat(hibernated.state()).isEqualTo(SandboxState.HIBERNATED);
        assertThat(node.warden().usage(List.of(id))).isEmpty();
        assertThatThrownBy(() -> node.run(id, "true"))
                .isInstanceOf(WrongStateException.class)
                .hasMessageContaining("hibernated");
        Sandbox resumed = node.engine().sandboxes().resume(CALLER, id);
        assertThat(resumed.state()).isEqualTo(SandboxState.RUNNING);
        assertThat(resumed.generation()).isEqualTo(2);
        assertThat(node.sh(id, "cat /root/file")).isEqualTo("kept");
        assertThat(MemoryHolder.ask(node, id, 1)).startsWith("1 ");
        assertThat(node.warden().listAll().memories()).isEmpty();
        delete(id);
    }

    @Test
    void afterManyRoundsWithWritesBetweenMemoryAndFilesAreEqual() {
        int rounds = Integer.getInteger("atoll.test.rounds", 5);
        SandboxId id = MemoryHolder.start(node);
        var hashes = new ArrayList<String>();
        for (int round = 1; round <= rounds; round++) {
            hashes.add(MemoryHolder.ask(node, id, round));
            assertThat(hashes.getLast()).as("memory in round %d", round).isEqualTo(round + " " + MemoryHolder.expected(node, id, round));
            node.sh(id, "head -c 300000 /dev/urandom > /root/part." + round + "; cat /root/part.* > /root/all");
            String files = node.sh(id, "sha256sum /root/part.* /root/all /root/hash.*");
            node.engine().sandboxes().hibernate(CALLER, id, false);
            node.engine().sandboxes().resume(CALLER, id);
            assertThat(node.sh(id, "sha256sum /root/part.* /root/all /root/hash.*")).isEqualTo(files);
        }
        assertThat(hashes).doesNotHaveDuplicates();
        delete(id);
    }

    @Test
    void forksGoOnEachWithItsOwnIdentity() {
        SandboxId id = MemoryHolder.start(node);
        List<Sandbox> forks = node.engine().sandboxes()
                .forkWithMemory(CALLER, id, List.of(Optional.of("one"), Optional.of("two"), Optional.empty()), false);
        String parent = MemoryHolder.ask(node, id, 1);
        var names = new ArrayList<String>(List.of(node.sh(id, "hostname; hostname -I 2>/dev/null || ip -4 -o addr show eth0 | cut -d' ' -f7")));
        for (Sandbox fork : forks) {
            assertThat(MemoryHolder.ask(node, fork.id(), 1)).isEqualTo(parent);
            names.add(node.sh(fork.id(), "hostname; hostname -I 2>/dev/null || ip -4 -o addr show eth0 | cut -d' ' -f7"));
        }
        assertThat(names).doesNotHaveDuplicates().anyMatch(n -> n.startsWith("one")).anyMatch(n -> n.startsWith("two"));
        assertThat(forks).extracting(Sandbox::parent).containsOnly(Optional.of(id));
        node.sh(forks.getFirst().id(), "echo own > /root/own");
        assertThat(node.run(id, "test -e /root/own").exit().code()).isNotZero();
        forks.forEach(fork -> delete(fork.id()));
        delete(id);
        assertThat(node.warden().listAll().memories()).isEmpty();
        assertThat(node.warden().listAll().snapshots()).isEmpty();
    }

    /** A counter that runs on while nobody has told the fork who it is would be ahead. */
    @Test
    void aQuiescedProcessRunsOnlyAgainWhenTheSandboxKnowsWhoItIs() {
        SandboxId id = node.create(Isolation.GVISOR).id();
        node.sh(id, "(while :; do hostname; done > /root/names) >/dev/null 2>&1 & sleep 0.2");
        String before = node.sh(id, "hostname");
        Sandbox fork = node.engine().sandboxes()
                .forkWithMemory(CALLER, id, List.of(Optional.of("quiet")), true)
                .getFirst();
        Awaitility.await().until(() -> node.sh(fork.id(), "tail -1 /root/names").equals("quiet"));
        assertThat(node.sh(fork.id(), "sort -u /root/names").lines()).containsOnly(before, "quiet");
        Awaitility.await().until(() -> {
            String size = node.sh(id, "stat -c %s /root/names");
            return !node.sh(id, "stat -c %s /root/names").equals(size);
        });
        delete(fork.id());
        delete(id);
    }

    @Test
    void aHibernatedSandboxThatIsStoppedStartsFromItsFiles() {
        SandboxId id = MemoryHolder.start(node);
        node.sh(id, "echo kept > /root/file");
        node.engine().sandboxes().hibernate(CALLER, id, false);
        assertThat(node.engine().sandboxes().stop(CALLER, id, Duration.ZERO).state()).isEqualTo(SandboxState.STOPPED);
        assertThat(node.warden().listAll().memories()).isEmpty();
        node.engine().sandboxes().start(CALLER, id);
        assertThat(node.sh(id, "cat /root/file; test -e /proc/$(cat /root/pid)/environ && tr '\\0' ' ' < /proc/$(cat /root/pid)/cmdline | grep holder || echo gone")).isEqualTo("kept\ngone");
        delete(id);
    }

    @Test
    void aPausedSandboxHibernatesAndIsDeletedWithItsMemory() {
        SandboxId id = node.create(Isolation.GVISOR).id();
        node.engine().sandboxes().pause(CALLER, id);
        node.engine().sandboxes().hibernate(CALLER, id, false);
        delete(id);
        assertThat(node.warden().listAll().memories()).isEmpty();
        assertThat(node.engine().node().audit(false)).isEmpty();
    }

    @Test
    void theMemoryOfAContainerIsNotPromised() {
        SandboxId id = node.create(Isolation.CONTAINER).id();
        assertThatThrownBy(() -> node.engine().sandboxes().hibernate(CALLER, id, false))
                .isInstanceOf(UnsupportedException.class)
                .hasMessageContaining("CONTAINER");
        assertThatThrownBy(() -> node.engine().sandboxes().forkWithMemory(CALLER, id, List.of(Optional.empty()), false))
                .isInstanceOf(UnsupportedException.class);
        assertThat(node.sh(id, "echo runs")).isEqualTo("runs");
        delete(id);
    }

    @Test
    void aRuleHibernates() {
        var rule = new LifecycleRule(
                SandboxState.RUNNING, Since.LAST_ACTIVITY, Duration.ofMinutes(5), Action.HIBERNATE, Set.of());
        SandboxId id = node.engine().sandboxes()
                .create(CALLER, AtollNode.base(Isolation.GVISOR).rules(List.of(rule)).build())
                .id();
        node.clock().advance(Duration.ofMinutes(6));
        Awaitility.await().until(() -> node.engine().sandboxes().get(CALLER, id).state() == SandboxState.HIBERNATED);
        assertThat(node.engine().sandboxes().start(CALLER, id).state()).isEqualTo(SandboxState.RUNNING);
        delete(id);
    }

    @Test
    void memoryOrDiskThatWasAlteredTruncatedOrExchangedIsRefused() throws IOException {
        SandboxId id = node.create(Isolation.GVISOR).id();
        SandboxId other = node.create(Isolation.GVISOR).id();
        node.engine().sandboxes().hibernate(CALLER, id, false);
        node.engine().sandboxes().hibernate(CALLER, other, false);
        Path saved = node.saved(id);
        Path pages = saved.resolve("image/pages.img");
        long middle = Files.size(pages) / 2;
        flip(pages, middle);
        assertRefused(id, "pages.img");
        flip(pages, middle);
        flip(saved.resolve("image/checkpoint.img"), 5000);
        assertRefused(id, "checkpoint.img");
        flip(saved.resolve("image/checkpoint.img"), 5000);
        flip(saved.resolve("manifest"), 80);
        assertRefused(id, "manifest");
        flip(saved.resolve("manifest"), 80);
        // Restored as it was.
        node.engine().sandboxes().resume(CALLER, id);
        node.engine().sandboxes().hibernate(CALLER, id, false);
        Path foreign = node.saved(other);
        Path aside = saved.resolveSibling("aside");
        Files.move(saved, aside);
        Files.move(foreign, saved);
        assertRefused(id, "another sandbox");
        Files.move(saved, foreign);
        Files.move(aside, saved);
        try (var file = new RandomAccessFile(saved.resolve("disk.img").toFile(), "rw")) {
            file.seek(1 << 20);
            int was = file.read();
            file.seek(1 << 20);
            file.write(was);
        }
        assertRefused(id, "disk");
        // Its files of the same instant are there all the same.
        node.engine().sandboxes().stop(CALLER, id, Duration.ZERO);
        assertThat(node.engine().sandboxes().start(CALLER, id).state()).isEqualTo(SandboxState.RUNNING);
        delete(id);
        delete(other);
    }

    private static void assertRefused(SandboxId id, String named) {
        assertThatThrownBy(() -> node.engine().sandboxes().resume(CALLER, id))
                .isInstanceOf(ConflictException.class)
                .hasMessageContaining("refused")
                .hasMessageContaining(named);
        assertThat(node.engine().sandboxes().get(CALLER, id).state()).isEqualTo(SandboxState.HIBERNATED);
    }

    private static void flip(Path path, long at) throws IOException {
        try (var file = new RandomAccessFile(path.toFile(), "rw")) {
            file.seek(at);
            int was = file.read();
            file.seek(at);
            file.write(was ^ 1);
        }
    }

    @Test
    void aWardenKilledWhileItHibernatesLeavesARunningOrAHibernatedSandbox() throws Exception {
        for (int millis : List.of(5, 40, 90, 130, 180)) {
            SandboxId id = MemoryHolder.start(node);
            String before = MemoryHolder.ask(node, id, 1);
            Thread hibernation = Thread.ofVirtual().start(() -> {
                try {
                    node.engine().sandboxes().hibernate(CALLER, id, false);
                } catch (RuntimeException e) {
                    // Either outcome is looked at below.
                }
            });
            Thread.sleep(Duration.ofMillis(millis));
            node.killWarden();
            node.startWarden();
            hibernation.join();
            Awaitility.await().ignoreExceptions().untilAsserted(() -> {
                node.engine().sandboxes().start(CALLER, id);
                assertThat(node.sh(id, "cat /root/hash.1")).isEqualTo(before);
            });
            assertThat(MemoryHolder.ask(node, id, 2)).as("after %d ms", millis).startsWith("2 ");
            delete(id);
        }
        Awaitility.await().untilAsserted(() -> assertThat(node.engine().node().audit(false)).isEmpty());
    }

    private static void delete(SandboxId id) {
        node.engine().sandboxes().delete(CALLER, id);
    }
}
