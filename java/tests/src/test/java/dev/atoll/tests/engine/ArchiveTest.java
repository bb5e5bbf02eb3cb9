package dev.atoll.tests.engine;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.Caller;
import dev.atoll.domain.ConflictException;
import dev.atoll.domain.CreateSandbox;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.LifecycleRule;
import dev.atoll.domain.LifecycleRule.Action;
import dev.atoll.domain.LifecycleRule.Since;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.Source;
import dev.atoll.domain.WrongStateException;
import dev.atoll.store.ArchiveRecord;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.EachIsolation;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;

@EachIsolation
class ArchiveTest {
    private static final Caller OPERATOR = new Caller(ProjectId.DEFAULT, "operator", true);
    private static final String SECRET = "what nobody but the sandbox knows";

    @Parameter
    Isolation isolation = Isolation.CONTAINER;

    private static AtollNode node;

    private Sandbox sandbox;

    @BeforeAll
    static void start() {
        node = AtollNode.start();
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    @BeforeEach
    void makeOneThatStopped() {
        sandbox = node.create(isolation);
        node.sh(sandbox.id(), "yes '" + SECRET + "' | head -c 3M > /root/secret; head -c 8M /dev/urandom > /root/noise;"
                + " mkdir /root/d; ln /root/noise /root/d/link; setfattr -n user.x -v y /root/d 2>/dev/null;"
                + " chown 12:34 /root/d; rm -rf /etc/alternatives; sync");
        node.engine().sandboxes().stop(CALLER, sandbox.id(), Duration.ZERO);
    }

    @AfterEach
    void deleteIt() {
        node.engine().sandboxes().delete(CALLER, sandbox.id());
        node.engine().node().prune(OPERATOR);
        assertThat(blobs()).as("what is left in the store").containsExactly("store");
        assertThat(node.engine().node().audit(false)).isEmpty();
    }

    @Test
    void aStartBringsAnArchivedSandboxBackWithAllItHad() {
        assertThat(archive().state()).isEqualTo(SandboxState.ARCHIVED);
        assertThat(node.warden().listAll().disks()).isEmpty();
        assertThat(archive().state()).as("a second archive does nothing").isEqualTo(SandboxState.ARCHIVED);
        assertThatThrownBy(() -> node.sh(sandbox.id(), "true")).isInstanceOf(WrongStateException.class);
        Sandbox back = node.engine().sandboxes().start(CALLER, sandbox.id());
        assertThat(back.state()).isEqualTo(SandboxState.RUNNING);
        assertThat(back.resources().diskBytes()).isEqualTo(sandbox.resources().diskBytes());
        assertThat(node.sh(sandbox.id(), "cmp /root/noise /root/d/link; stat -c '%h %u %g' /root/noise /root/d;"
                        + " tail -1 /root/secret | head -c 4; ls /etc/alternatives 2>/dev/null | wc -l"))
                .isEqualTo("2 0 0\n2 12 34\nwhat0");
    }

    @Test
    void whatIsStoredSaysNothingToWhoLacksTheKey() throws IOException {
        archive();
        byte[] secret = SECRET.getBytes(StandardCharsets.UTF_8);
        for (String blob : blobs()) {
            String content = new String(Files.readAllBytes(node.archiveDir().resolve(blob)), StandardCharsets.ISO_8859_1);
            assertThat(content).as(blob).doesNotContain(new String(secret, StandardCharsets.ISO_8859_1));
        }
        assertThat(blobs()).noneMatch(name -> name.contains(sandbox.id().value()));
    }

    @Test
    void aSecondArchiveStoresWhatChangedAndRestoreLeavesItStopped() {
        archive();
        ArchiveRecord first = newest();
        assertThat(first.newBytes()).isGreaterThan(8 << 20);
        assertThat(node.engine().sandboxes().restore(CALLER, sandbox.id()).state()).isEqualTo(SandboxState.STOPPED);
        node.engine().sandboxes().start(CALLER, sandbox.id());
        node.sh(sandbox.id(), "echo more > /root/more; sync");
        node.engine().sandboxes().stop(CALLER, sandbox.id(), Duration.ZERO);
        node.engine().node().prune(OPERATOR);
        archive();
        ArchiveRecord second = newest();
        assertThat(second.id()).isNotEqualTo(first.id());
        assertThat(second.newBytes()).isLessThan(first.newBytes() / 2);
        assertThat(node.store().archives().of(sandbox.id().value())).hasSize(1);
        node.engine().node().prune(OPERATOR);
        node.engine().sandboxes().start(CALLER, sandbox.id());
        assertThat(node.sh(sandbox.id(), "cat /root/more; cmp /root/noise /root/d/link && echo same")).isEqualTo("more\nsame");
    }

    @Test
    void aLostOrAlteredPartIsToldAndLeavesNothingHalfRestored() throws IOException {
        archive();
        Path part = node.archiveDir().resolve(largest());
        byte[] whole = Files.readAllBytes(part);
        byte[] altered = whole.clone();
        altered[whole.length / 2] ^= 1;
        Files.write(part, altered);
        assertRefused("was altered");
        Files.delete(part);
        assertRefused("is lost");
        Path other = node.archiveDir().resolve(blobs().stream().filter(n -> n.startsWith("c/")).findFirst().orElseThrow());
        Files.write(part, Files.readAllBytes(other));
        assertRefused("damaged");
        Files.write(part, whole);
        node.engine().sandboxes().start(CALLER, sandbox.id());
        assertThat(node.sh(sandbox.id(), "cmp /root/noise /root/d/link && echo same")).isEqualTo("same");
    }

    private void assertRefused(String why) {
        assertThatThrownBy(() -> node.engine().sandboxes().start(CALLER, sandbox.id()))
                .isInstanceOf(ConflictException.class)
                .hasMessageContaining("is damaged")
                .hasMessageContaining(why);
        assertThat(node.engine().sandboxes().get(CALLER, sandbox.id()).state()).isEqualTo(SandboxState.ARCHIVED);
        assertThat(node.warden().listAll().disks()).isEmpty();
        assertThat(node.engine().node().audit(false)).isEmpty();
    }

    @Test
    void anotherKeyIsToldAsSuch() throws IOException {
        archive();
        Path key = node.engineState().resolve("archive.key");
        byte[] right = Files.readAllBytes(key);
        byte[] wrong = right.clone();
        wrong[0] ^= 1;
        node.stopEngine();
        Files.write(key, wrong);
        node.startEngine();
        assertThatThrownBy(() -> node.engine().sandboxes().start(CALLER, sandbox.id()))
                .isInstanceOf(ConflictException.class)
                .hasMessageContaining("another archive key");
        node.stopEngine();
        Files.write(key, right);
        node.startEngine();
        assertThat(node.engine().sandboxes().start(CALLER, sandbox.id()).state()).isEqualTo(SandboxState.RUNNING);
    }

    @Test
    void aRuleArchivesOnceItIsDue() {
        var rule = new LifecycleRule(
                SandboxState.STOPPED, Since.ENTERING_STATE, Duration.ofHours(1), Action.ARCHIVE, Set.of());
        var change = dev.atoll.domain.SandboxChange.NOTHING.withRules(List.of(rule));
        node.engine().sandboxes().update(CALLER, sandbox.id(), change);
        node.clock().advance(Duration.ofMinutes(61));
        Awaitility.await().untilAsserted(() -> assertThat(
                        node.engine().sandboxes().get(CALLER, sandbox.id()).state())
                .isEqualTo(SandboxState.ARCHIVED));
    }

    @Test
    void anArchivedSnapshotIsBroughtBackByWhatIsMadeOfItAndByNothingElse() {
        var snapshots = node.engine().snapshots();
        var snapshot = snapshots.create(CALLER, sandbox.id(), Optional.of("kept"), Optional.of(Duration.ofDays(1)));
        assertThat(snapshots.archive(CALLER, snapshot.id()).archived()).isTrue();
        assertThat(snapshots.archive(CALLER, snapshot.id()).archived()).isTrue();
        assertThat(node.warden().listAll().snapshots()).isEmpty();
        assertThat(snapshots.get(CALLER, "kept").archived()).isTrue();
        assertThatThrownBy(() -> node.engine().templates().fromSnapshot(CALLER, snapshot.id(), "made"))
                .isInstanceOf(ConflictException.class)
                .hasMessageContaining("is archived");
        node.restartEngine();
        var spec = CreateSandbox.from(new Source.OfSnapshot("kept")).isolation(Optional.of(isolation));
        Sandbox made = node.engine().sandboxes().create(CALLER, spec.build());
        assertThat(node.sh(made.id(), "cmp /root/noise /root/d/link && echo same")).isEqualTo("same");
        assertThat(node.engine().snapshots().get(CALLER, "kept").archived()).isFalse();
        node.engine().sandboxes().delete(CALLER, made.id());
        node.engine().snapshots().archive(CALLER, snapshot.id());
        node.clock().advance(Duration.ofDays(2));
        Awaitility.await().untilAsserted(
                () -> assertThat(node.engine().snapshots().list(CALLER)).isEmpty());
    }

    private Sandbox archive() {
        return node.engine().sandboxes().archive(CALLER, sandbox.id());
    }

    private ArchiveRecord newest() {
        return node.store().archives().of(sandbox.id().value()).getLast();
    }

    private String largest() {
        return blobs().stream()
                .max(java.util.Comparator.comparingLong(name -> node.archiveDir().resolve(name).toFile().length()))
                .orElseThrow();
    }

    /** Names of all blobs. */
    private static List<String> blobs() {
        Path root = node.archiveDir();
        try (Stream<Path> files = Files.walk(root)) {
            return files.filter(Files::isRegularFile).map(file -> root.relativize(file).toString()).sorted().toList();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
