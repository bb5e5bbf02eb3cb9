package dev.atoll.tests.engine;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.ConflictException;
import dev.atoll.domain.CreateSandbox;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.Snapshot;
import dev.atoll.domain.Source;
import dev.atoll.domain.Template;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.EachIsolation;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;

@EachIsolation
class SnapshotAndForkTest {
    @Parameter
    Isolation isolation = Isolation.CONTAINER;

    private static AtollNode node;

    private Sandbox parent;

    @BeforeAll
    static void start() {
        node = AtollNode.start();
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    @BeforeEach
    void makeParent() {
        parent = node.create(isolation);
        node.sh(parent.id(), "echo before > /root/file; rm -f /etc/motd");
    }

    @AfterEach
    void deleteParent() {
        node.engine().sandboxes().delete(CALLER, parent.id());
    }

    @Test
    void aSnapshotIsTheDiskAtItsInstantAndOutlivesItsSandbox() {
        Snapshot snapshot = node.engine().snapshots().create(CALLER, parent.id(), Optional.of("at-one"), Optional.empty());
        node.sh(parent.id(), "echo after > /root/file");
        Sandbox child = createFrom(new Source.OfSnapshot("at-one"));
        assertThat(node.sh(child.id(), "cat /root/file; ls /etc/motd 2>/dev/null || echo none")).isEqualTo("before\nnone");
        assertThat(child.parent()).contains(parent.id());
        assertThat(snapshot.usedBytes()).isPositive();
        node.engine().snapshots().delete(CALLER, snapshot.id());
        assertThatThrownBy(() -> node.engine().snapshots().get(CALLER, "at-one")).isInstanceOf(NotFoundException.class);
        assertThat(node.sh(child.id(), "cat /root/file")).isEqualTo("before");
        node.engine().sandboxes().delete(CALLER, child.id());
    }

    @Test
    void aSnapshotsNameIsUnique() {
        Snapshot first = node.engine().snapshots().create(CALLER, parent.id(), Optional.of("same"), Optional.empty());
        assertThatThrownBy(() -> node.engine().snapshots().create(CALLER, parent.id(), Optional.of("same"), Optional.empty()))
                .isInstanceOf(ConflictException.class);
        assertThat(node.engine().snapshots().list(CALLER)).extracting(Snapshot::id).containsExactly(first.id());
        node.engine().snapshots().delete(CALLER, first.id());
    }

    @Test
    void aSnapshotExpires() {
        Snapshot kept = node.engine().snapshots().create(
                CALLER, parent.id(), Optional.empty(), Optional.of(Duration.ofDays(30)));
        node.clock().advance(Duration.ofDays(30));
        Awaitility.await().until(() -> node.engine().snapshots().list(CALLER).isEmpty());
        assertThat(node.warden().listAll().snapshots()).noneMatch(disk -> disk.id().equals(kept.id()));
    }

    @Test
    void forksStartFromTheParentsDiskAndGoTheirOwnWays() {
        List<Sandbox> children = node.engine().sandboxes().fork(
                CALLER, parent.id(), List.of(Optional.of("fork-a"), Optional.empty()));
        assertThat(children).extracting(Sandbox::parent).containsOnly(Optional.of(parent.id()));
        for (Sandbox child : children) {
            assertThat(node.sh(child.id(), "cat /root/file; hostname")).startsWith("before\n")
                    .doesNotContain(node.sh(parent.id(), "hostname"));
            node.sh(child.id(), "echo " + child.id() + " > /root/file");
        }
        assertThat(node.sh(parent.id(), "cat /root/file")).isEqualTo("before");
        assertThat(node.sh(children.get(0).id(), "cat /root/file")).isEqualTo(children.get(0).id().value());
        assertThat(node.warden().listAll().snapshots()).isEmpty();
        children.forEach(child -> node.engine().sandboxes().delete(CALLER, child.id()));
    }

    @Test
    void anOnlyChildGoesItsOwnWay() {
        Sandbox child = node.engine().sandboxes().fork(CALLER, parent.id(), List.of(Optional.empty())).getFirst();
        assertThat(node.sh(child.id(), "cat /root/file; ls /etc/motd 2>/dev/null || echo none")).isEqualTo("before\nnone");
        node.sh(child.id(), "echo child > /root/file");
        assertThat(node.sh(parent.id(), "cat /root/file")).isEqualTo("before");
        assertThat(node.warden().listAll().snapshots()).isEmpty();
        node.engine().sandboxes().stop(CALLER, child.id(), Duration.ZERO);
        node.engine().sandboxes().start(CALLER, child.id());
        assertThat(node.sh(child.id(), "cat /root/file")).isEqualTo("child");
        node.engine().sandboxes().delete(CALLER, child.id());
        assertThat(node.engine().node().audit(false)).isEmpty();
    }

    @Test
    void anOnlyChildWithATakenNameLeavesNothing() {
        int before = node.warden().listAll().disks().size();
        assertThatThrownBy(() -> node.engine().sandboxes().fork(
                        CALLER, parent.id(), List.of(Optional.of(parent.name()))))
                .isInstanceOf(ConflictException.class);
        assertThat(node.warden().listAll().disks()).hasSize(before);
        assertThat(node.warden().listAll().snapshots()).isEmpty();
    }

    @Test
    void aForkWithATakenNameMakesNoneOfThem() {
        int before = node.warden().listAll().disks().size();
        assertThatThrownBy(() -> node.engine().sandboxes().fork(
                        CALLER, parent.id(), List.of(Optional.of("twice"), Optional.of("twice"))))
                .isInstanceOf(ConflictException.class);
        assertThat(node.engine().sandboxes().findByName(CALLER, "twice")).isEmpty();
        assertThat(node.warden().listAll().disks()).hasSize(before);
    }

    @Test
    void aTemplateMadeOfASnapshotStartsSandboxes() {
        Snapshot snapshot = node.engine().snapshots().create(CALLER, parent.id(), Optional.empty(), Optional.empty());
        Template template = node.engine().templates().fromSnapshot(CALLER, snapshot.id(), "prepared");
        node.engine().snapshots().delete(CALLER, snapshot.id());
        Sandbox child = createFrom(new Source.OfTemplate("prepared"));
        assertThat(node.sh(child.id(), "cat /root/file; ls /etc/motd 2>/dev/null || echo none; pwd"))
                .isEqualTo("before\nnone\n/root");
        assertThatThrownBy(() -> node.engine().templates().delete(CALLER, template.id()))
                .isInstanceOf(ConflictException.class);
        node.engine().sandboxes().delete(CALLER, child.id());
        node.engine().templates().delete(CALLER, template.id());
        assertThat(node.warden().listAll().layers()).noneMatch(layer -> layer.id().equals(template.layers().getLast()));
    }

    private static Sandbox createFrom(Source source) {
        return node.engine().sandboxes().create(CALLER, CreateSandbox.from(source).build());
    }
}
