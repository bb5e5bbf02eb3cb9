package dev.atoll.tests.engine;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.AtollException;
import dev.atoll.domain.Caller;
import dev.atoll.domain.ConflictException;
import dev.atoll.domain.CreateSandbox;
import dev.atoll.domain.Entrypoint;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.Snapshot;
import dev.atoll.domain.Source;
import dev.atoll.domain.UnsupportedException;
import dev.atoll.tests.AtollNode;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Snapshots that are kept with the memory of their instant. */
class MemorySnapshotTest {
    private static final Caller OPERATOR = new Caller(ProjectId.DEFAULT, "operator", true);
    /** What must differ between two sandboxes that go on from one memory. */
    private static final String IDENTITY = "hostname; ip -4 -o addr show eth0 | cut -d' ' -f7; "
            + "head -c 16 /dev/urandom | od -An -tx1; grep $(hostname) /etc/hosts";

    private static AtollNode node;

    @BeforeAll
    static void start() {
        node = AtollNode.start();
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    @AfterEach
    void nothingIsLeft() {
        assertThat(node.engine().snapshots().list(CALLER)).isEmpty();
        assertThat(node.warden().listAll().memories()).isEmpty();
        assertThat(node.warden().listAll().snapshots()).isEmpty();
        assertThat(node.engine().node().audit(false)).isEmpty();
    }

    @Test
    void sandboxesGoOnFromItManyTimesAndManyAtOnceEachAsSomebodyNew() throws Exception {
        SandboxId parent = MemoryHolder.start(node);
        Snapshot snapshot = keep(parent, "warm", false);
        assertThat(snapshot.memory().orElseThrow().bytes()).isGreaterThan(8 << 20);
        String held = MemoryHolder.ask(node, parent, 1);
        var made = new ArrayList<Sandbox>(List.of(goOn("warm"), goOn("warm")));
        delete(parent);
        made.addAll(atOnce(4, () -> goOn("warm")));
        var seen = new HashSet<String>();
        for (Sandbox child : made) {
            assertThat(MemoryHolder.ask(node, child.id(), 1)).isEqualTo(held);
            assertThat(child.isolation()).isEqualTo(Isolation.GVISOR);
            assertThat(child.parent()).contains(parent);
            assertThat(seen.add(node.sh(child.id(), IDENTITY))).as("identity of its own").isTrue();
            long told = Long.parseLong(node.sh(child.id(), "date +%s"));
            assertThat(Duration.between(Instant.ofEpochSecond(told), Instant.now()).abs()).isLessThan(Duration.ofSeconds(10));
        }
        node.sh(made.getFirst().id(), "echo own > /root/own");
        assertThat(node.run(made.getLast().id(), "test -e /root/own").exit().code()).isNotZero();
        assertThat(made.stream().map(c -> node.sh(c.id(), "hostname")).distinct()).hasSize(made.size());
        node.engine().snapshots().delete(CALLER, snapshot.id());
        assertThat(node.warden().listAll().memories()).isEmpty();
        assertThat(MemoryHolder.ask(node, made.getLast().id(), 2)).startsWith("2 ");
        made.forEach(child -> delete(child.id()));
    }

    @Test
    void whatGoesOnHasWhatTheOtherHadUnlessNamed() {
        SandboxId parent = node.engine().sandboxes()
                .create(CALLER, AtollNode.base(Isolation.GVISOR)
                        .env(Map.of("COLOUR", "blue", "SHAPE", "round"))
                        .memoryBytes(Optional.of(700L << 20))
                        .workdir(Optional.of("/srv"))
                        .build())
                .id();
        Snapshot snapshot = keep(parent, "settings", false);
        Sandbox same = goOn("settings");
        assertThat(same.resources().memoryBytes()).isEqualTo(700L << 20);
        assertThat(node.sh(same.id(), "echo $COLOUR $SHAPE; pwd")).isEqualTo("blue round\n/srv");
        Sandbox other = node.engine().sandboxes().create(CALLER, from("settings").env(Map.of("COLOUR", "red")).build());
        assertThat(node.sh(other.id(), "echo $COLOUR $SHAPE")).isEqualTo("red round");
        for (SandboxId id : List.of(parent, same.id(), other.id())) {
            delete(id);
        }
        node.engine().snapshots().delete(CALLER, snapshot.id());
    }

    @Test
    void theMemoryOfAContainerIsRefusedByName() {
        SandboxId id = node.create(Isolation.CONTAINER).id();
        assertThatThrownBy(() -> keep(id, "never", false))
                .isInstanceOf(UnsupportedException.class)
                .hasMessageContaining("CONTAINER");
        assertThat(node.sh(id, "echo runs")).isEqualTo("runs");
        delete(id);
    }

    @Test
    void anotherClassAnEntrypointOrTooLittleMemoryIsRefusedAndTheDiskAloneStartsAnew() {
        SandboxId parent = MemoryHolder.start(node);
        Snapshot snapshot = keep(parent, "choosy", false);
        assertThatThrownBy(() -> node.engine().sandboxes()
                        .create(CALLER, from("choosy").isolation(Optional.of(Isolation.CONTAINER)).build()))
                .isInstanceOf(UnsupportedException.class)
                .hasMessageContaining("CONTAINER")
                .hasMessageContaining("GVISOR");
        assertThatThrownBy(() -> node.engine().sandboxes()
                        .create(CALLER, from("choosy").entrypoint(Optional.of(new Entrypoint.Request(
                                Optional.of(List.of("true")), Optional.empty(), Optional.empty(), false))).build()))
                .isInstanceOf(InvalidFieldException.class)
                .hasMessageContaining("entrypoint");
        assertThatThrownBy(() -> node.engine().sandboxes()
                        .create(CALLER, from("choosy").memoryBytes(Optional.of(1L << 20)).build()))
                .isInstanceOf(InvalidFieldException.class)
                .hasMessageContaining("memoryBytes");
        for (Isolation isolation : List.of(Isolation.CONTAINER, Isolation.GVISOR)) {
            Sandbox anew = node.engine().sandboxes()
                    .create(CALLER, CreateSandbox.from(new Source.OfSnapshot("choosy", true))
                            .isolation(Optional.of(isolation))
                            .build());
            assertThat(node.sh(anew.id(), "test -e /root/first && echo files; pgrep -f '[h]older.py' || echo alone"))
                    .isEqualTo("files\nalone");
            delete(anew.id());
        }
        delete(parent);
        node.engine().snapshots().delete(CALLER, snapshot.id());
    }

    @Test
    void whatWasAlteredTruncatedExchangedOrLostIsRefused() throws IOException {
        SandboxId parent = node.create(Isolation.GVISOR).id();
        Snapshot snapshot = keep(parent, "altered", false);
        Snapshot other = keep(parent, "foreign", false);
        Path saved = node.saved(snapshot.id());
        for (String part : List.of("image/pages.img", "image/checkpoint.img", "image/pages_meta.img", "manifest")) {
            Path path = saved.resolve(part);
            flip(path, Files.size(path) / 2);
            assertRefused(path.getFileName().toString());
            flip(path, Files.size(path) / 2);
        }
        byte[] pages = Files.readAllBytes(saved.resolve("image/pages.img"));
        truncate(saved.resolve("image/pages.img"), pages.length - 4096);
        assertRefused("pages.img");
        Files.write(saved.resolve("image/pages.img"), pages);
        Path aside = saved.resolveSibling("aside");
        Files.move(saved, aside);
        Files.move(node.saved(other.id()), saved);
        assertRefused("another sandbox or snapshot");
        Files.move(saved, node.saved(other.id()));
        assertThatThrownBy(() -> goOn("altered")).isInstanceOf(NotFoundException.class);
        Files.move(aside, saved);
        delete(goOn("altered").id());
        truncate(saved.resolve("disk.img"), 1 << 20);
        assertRefused("disk");
        delete(parent);
        node.engine().snapshots().delete(CALLER, snapshot.id());
        node.engine().snapshots().delete(CALLER, other.id());
    }

    @Test
    void memoryOfAnotherVersionOfRunscIsRefusedAndItsDiskStartsAllTheSame() throws IOException {
        SandboxId parent = node.create(Isolation.GVISOR).id();
        node.sh(parent, "echo kept > /root/file");
        Snapshot snapshot = keep(parent, "altered", false);
        delete(parent);
        Path other = node.engineState().resolve("runsc");
        Files.copy(AtollNode.runsc(), other);
        Files.write(other, new byte[1], StandardOpenOption.APPEND);
        exchangeRunsc(other);
        assertRefused("another version of runsc");
        Sandbox anew = node.engine().sandboxes().create(
                CALLER, CreateSandbox.from(new Source.OfSnapshot("altered", true)).build());
        assertThat(node.sh(anew.id(), "cat /root/file")).isEqualTo("kept");
        delete(anew.id());
        exchangeRunsc(AtollNode.runsc());
        Files.delete(other);
        delete(goOn("altered").id());
        node.engine().snapshots().delete(CALLER, snapshot.id());
    }

    private static void exchangeRunsc(Path program) {
        node.stopEngine();
        node.killWarden();
        node.useRunsc(program);
        node.startWarden();
        node.startEngine();
    }

    @Test
    void aQuiescedProcessRunsOnlyAgainWhenTheSandboxKnowsWhoItIs() {
        SandboxId parent = node.create(Isolation.GVISOR).id();
        node.sh(parent, "(while :; do hostname; done > /root/names) >/dev/null 2>&1 & "
                + "while ! test -s /root/names; do sleep 0.01; done");
        String before = node.sh(parent, "hostname");
        Snapshot snapshot = keep(parent, "still", true);
        Sandbox child = node.engine().sandboxes().create(CALLER, from("still").name(Optional.of("quiet")).build());
        Awaitility.await().until(() -> node.sh(child.id(), "tail -1 /root/names").equals("quiet"));
        assertThat(node.sh(child.id(), "sort -u /root/names").lines()).containsOnly(before, "quiet");
        Awaitility.await().until(() -> {
            String size = node.sh(parent, "stat -c %s /root/names");
            return !node.sh(parent, "stat -c %s /root/names").equals(size);
        });
        delete(child.id());
        delete(parent);
        node.engine().snapshots().delete(CALLER, snapshot.id());
    }

    @Test
    void aPausedSandboxStaysPausedAndWhatGoesOnFromItRuns() {
        SandboxId parent = MemoryHolder.start(node);
        node.engine().sandboxes().pause(CALLER, parent);
        Snapshot snapshot = keep(parent, "paused", false);
        assertThat(node.engine().sandboxes().get(CALLER, parent).state()).isEqualTo(SandboxState.PAUSED);
        Sandbox child = goOn("paused");
        assertThat(MemoryHolder.ask(node, child.id(), 1)).startsWith("1 ");
        node.engine().sandboxes().resume(CALLER, parent);
        assertThat(MemoryHolder.ask(node, parent, 1)).isEqualTo(MemoryHolder.ask(node, child.id(), 1));
        delete(child.id());
        delete(parent);
        node.engine().snapshots().delete(CALLER, snapshot.id());
    }

    @Test
    void itOutlivesEngineAndWardenAndExpiresWithItsMemory() {
        SandboxId parent = MemoryHolder.start(node);
        Snapshot snapshot = node.engine().snapshots()
                .createWithMemory(CALLER, parent, Optional.of("month"), Optional.of(Duration.ofDays(30)), false);
        String held = MemoryHolder.ask(node, parent, 1);
        node.stopEngine();
        node.killWarden();
        node.startWarden();
        node.startEngine();
        assertThat(node.engine().snapshots().get(CALLER, "month")).isEqualTo(snapshot);
        Sandbox child = goOn("month");
        assertThat(MemoryHolder.ask(node, child.id(), 1)).isEqualTo(held);
        node.clock().advance(Duration.ofDays(31));
        Awaitility.await().until(() -> node.warden().listAll().memories().isEmpty());
        assertThat(node.engine().node().prune(OPERATOR)).isNotNegative();
        delete(child.id());
        delete(parent);
    }

    @Test
    void aSnapshotDeletedWhileSandboxesAreMadeOfItLeavesWholeSandboxesOrNone() throws Exception {
        SandboxId parent = MemoryHolder.start(node);
        Snapshot snapshot = keep(parent, "leaving", false);
        String held = MemoryHolder.ask(node, parent, 1);
        Thread removal = Thread.ofVirtual().start(() -> node.engine().snapshots().delete(CALLER, snapshot.id()));
        List<Optional<Sandbox>> made = atOnce(3, () -> {
            try {
                return Optional.of(goOn("leaving"));
            } catch (NotFoundException e) {
                return Optional.empty();
            }
        });
        removal.join();
        made.stream().flatMap(Optional::stream).forEach(child -> {
            assertThat(MemoryHolder.ask(node, child.id(), 1)).isEqualTo(held);
            delete(child.id());
        });
        delete(parent);
    }

    @Test
    void aWardenKilledWhileMemoryIsKeptLeavesAWholeSnapshotOrNoneAndTheSandboxGoesOn() throws Exception {
        for (int millis : List.of(5, 30, 60, 90, 130)) {
            SandboxId parent = MemoryHolder.start(node);
            String held = MemoryHolder.ask(node, parent, 1);
            Thread keeping = Thread.ofVirtual().start(() -> {
                try {
                    keep(parent, "cut", false);
                } catch (RuntimeException e) {
                    // Either outcome is looked at below.
                }
            });
            Thread.sleep(Duration.ofMillis(millis));
            node.killWarden();
            node.startWarden();
            keeping.join();
            Awaitility.await().untilAsserted(() -> assertThat(outcome(parent, "cat /root/hash.1"))
                    .as("after %d ms", millis)
                    .isEqualTo(held));
            assertThat(MemoryHolder.ask(node, parent, 2)).as("after %d ms", millis).startsWith("2 ");
            for (Snapshot whole : node.engine().snapshots().list(CALLER)) {
                assertThat(whole.memory().orElseThrow().bytes()).isPositive();
                assertThat(whole.sizeBytes()).isPositive();
                Sandbox child = goOn("cut");
                assertThat(node.sh(child.id(), "cat /root/hash.1")).isEqualTo(held);
                assertThat(MemoryHolder.ask(node, child.id(), 2)).startsWith("2 ");
                delete(child.id());
                node.engine().snapshots().delete(CALLER, whole.id());
            }
            delete(parent);
        }
        node.engine().node().prune(OPERATOR);
        Awaitility.await().untilAsserted(() -> assertThat(node.engine().node().audit(false)).isEmpty());
    }

    private static <T> List<T> atOnce(int count, Callable<T> work)
            throws InterruptedException, ExecutionException {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<T>> all = IntStream.range(0, count).mapToObj(i -> threads.submit(work)).toList();
            var results = new ArrayList<T>();
            for (Future<T> each : all) {
                results.add(each.get());
            }
            return results;
        }
    }

    /** Its guest may have to dial again first. */
    private static String outcome(SandboxId id, String command) {
        try {
            return node.sh(id, command);
        } catch (AtollException e) {
            return e.toString();
        }
    }

    private static Snapshot keep(SandboxId sandbox, String name, boolean quiesce) {
        return node.engine().snapshots()
                .createWithMemory(CALLER, sandbox, Optional.of(name), Optional.empty(), quiesce);
    }

    private static Sandbox goOn(String snapshot) {
        return node.engine().sandboxes().create(CALLER, from(snapshot).build());
    }

    private static CreateSandbox.Builder from(String snapshot) {
        return CreateSandbox.from(new Source.OfSnapshot(snapshot));
    }

    private static void assertRefused(String named) {
        assertThatThrownBy(() -> goOn("altered"))
                .isInstanceOf(ConflictException.class)
                .hasMessageContaining("refused")
                .hasMessageContaining(named);
    }

    private static void flip(Path path, long at) throws IOException {
        try (var file = new RandomAccessFile(path.toFile(), "rw")) {
            file.seek(at);
            int was = file.read();
            file.seek(at);
            file.write(was ^ 1);
        }
    }

    private static void truncate(Path path, long length) throws IOException {
        try (var file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(length);
        }
    }

    private static void delete(SandboxId id) {
        node.engine().sandboxes().delete(CALLER, id);
    }
}
