package dev.atoll.tests.engine;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.Caller;
import dev.atoll.domain.ConflictException;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Resources;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.UnsupportedException;
import dev.atoll.domain.Volume;
import dev.atoll.domain.VolumeMount;
import dev.atoll.domain.Volumes;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.EachIsolation;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;

@EachIsolation
class VolumesTest {
    private static final long SMALL = 256 * Resources.MIB;

    @Parameter
    Isolation isolation = Isolation.CONTAINER;

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
    void aVolumeIsSharedOutlivesItsSandboxesAndIsInNoForkOfTheirDisks() {
        Volume volume = volumes().create(CALLER, "shared", SMALL);
        Sandbox first = create(mount("shared", "/mnt/one"));
        Sandbox second = create(mount(volume.id().value(), "/srv/two"));
        node.sh(first.id(), "echo one > /mnt/one/file && chown 1000:1000 /mnt/one/file");
        assertThat(node.sh(second.id(), "cat /srv/two/file; stat -c %u /srv/two/file")).isEqualTo("one\n1000");
        node.sh(second.id(), "echo two >> /srv/two/file");
        assertThat(node.sh(first.id(), "tail -1 /mnt/one/file")).isEqualTo("two");
        assertThat(first.volumes()).containsExactly(new VolumeMount(volume.id(), "/mnt/one", false, ""));
        node.engine().sandboxes().stop(CALLER, first.id(), Duration.ZERO);
        assertThatThrownBy(() -> volumes().delete(CALLER, volume.id()))
                .isInstanceOf(ConflictException.class)
                .hasMessageContaining("is used by sandbox");
        node.engine().sandboxes().start(CALLER, first.id());
        assertThat(node.sh(first.id(), "cat /mnt/one/file")).isEqualTo("one\ntwo");
        Sandbox fork = node.engine().sandboxes().fork(CALLER, first.id(), List.of(Optional.empty())).getFirst();
        node.sh(fork.id(), "echo three >> /mnt/one/file");
        assertThat(node.sh(second.id(), "tail -1 /srv/two/file")).isEqualTo("three");
        for (Sandbox sandbox : List.of(first, second, fork)) {
            node.engine().sandboxes().delete(CALLER, sandbox.id());
        }
        Sandbox later = create(mount("shared", "/v"));
        assertThat(node.sh(later.id(), "cat /v/file")).isEqualTo("one\ntwo\nthree");
        node.engine().sandboxes().delete(CALLER, later.id());
        volumes().delete(CALLER, volume.id());
        volumes().delete(CALLER, volume.id());
        assertThat(volumes().list(CALLER)).isEmpty();
        assertThat(node.engine().node().audit(false)).isEmpty();
    }

    @Test
    void aFullVolumeStopsItsWritersThereAndAReadOnlyOneEverywhere() {
        Volume volume = volumes().create(CALLER, "small", SMALL);
        Sandbox writer = create(mount("small", "/v"));
        Sandbox reader = create(new VolumeMount.Request("small", "/v", true, ""));
        assertThat(node.run(writer.id(), "head -c 300M /dev/zero > /v/big").exit().code()).isNotZero();
        node.sh(writer.id(), "head -c 20M /dev/zero > /root/own; rm /v/big; echo room > /v/note");
        assertThat(node.sh(reader.id(), "cat /v/note")).isEqualTo("room");
        assertThat(node.run(reader.id(), "touch /v/other").exit().code()).isNotZero();
        assertThat(node.run(reader.id(), "mount -o remount,rw /v").exit().code()).isNotZero();
        assertThat(node.run(reader.id(), "touch /v/other").exit().code()).isNotZero();
        assertThat(volumes().get(CALLER, "small").usedBytes()).isPositive();
        node.engine().sandboxes().delete(CALLER, writer.id());
        node.engine().sandboxes().delete(CALLER, reader.id());
        volumes().delete(CALLER, volume.id());
    }

    @Test
    void aSubpathIsAllThatASandboxSees() {
        Volume volume = volumes().create(CALLER, "parts", SMALL);
        Sandbox part = create(new VolumeMount.Request("parts", "/v", false, "users/ann"));
        node.sh(part.id(), "echo mine > /v/note; ln -s / /v/out; ls -a /v/..");
        Sandbox whole = create(mount("parts", "/v"));
        assertThat(node.sh(whole.id(), "cat /v/users/ann/note; ls /v")).isEqualTo("mine\nusers");
        assertThatThrownBy(() -> create(new VolumeMount.Request("parts", "/v", false, "users/ann/out/etc")))
                .isInstanceOf(RuntimeException.class);
        node.engine().sandboxes().delete(CALLER, part.id());
        node.engine().sandboxes().delete(CALLER, whole.id());
        volumes().delete(CALLER, volume.id());
    }

    @Test
    void anotherProjectsVolumeIsNotThereAndMemoryStaysWhereVolumesAre() {
        var stranger = new Caller(new ProjectId("other"), "test", false);
        Volume theirs = volumes().create(stranger, "theirs", SMALL);
        assertThatThrownBy(() -> create(mount(theirs.id().value(), "/v"))).isInstanceOf(NotFoundException.class);
        volumes().delete(CALLER, theirs.id());
        assertThat(volumes().list(stranger)).hasSize(1);
        Volume ours = volumes().create(CALLER, "theirs", SMALL);
        assertThatThrownBy(() -> volumes().create(CALLER, "theirs", SMALL)).isInstanceOf(ConflictException.class);
        Sandbox sandbox = create(mount("theirs", "/v"));
        assertThatThrownBy(() -> node.engine().sandboxes().hibernate(CALLER, sandbox.id(), false))
                .isInstanceOf(UnsupportedException.class);
        node.engine().sandboxes().delete(CALLER, sandbox.id());
        volumes().delete(CALLER, ours.id());
        volumes().delete(stranger, theirs.id());
    }

    @Test
    void volumesAreMountedAgainAfterARestartOfBothHalves() {
        Volume volume = volumes().create(CALLER, "kept", SMALL);
        Sandbox sandbox = create(mount("kept", "/v"));
        node.sh(sandbox.id(), "echo before > /v/note; sync");
        node.stopEngine();
        node.killWarden();
        node.startWarden();
        node.startEngine();
        assertThat(node.sh(sandbox.id(), "cat /v/note")).isEqualTo("before");
        Sandbox other = create(mount("kept", "/w"));
        assertThat(node.sh(other.id(), "cat /w/note; echo after > /w/note")).isEqualTo("before");
        assertThat(node.sh(sandbox.id(), "cat /v/note")).isEqualTo("after");
        node.engine().sandboxes().delete(CALLER, sandbox.id());
        node.engine().sandboxes().delete(CALLER, other.id());
        volumes().delete(CALLER, volume.id());
        assertThat(node.engine().node().audit(false)).isEmpty();
    }

    private static Volumes volumes() {
        return node.engine().volumes();
    }

    private static VolumeMount.Request mount(String volume, String path) {
        return new VolumeMount.Request(volume, path, false, "");
    }

    private Sandbox create(VolumeMount.Request mount) {
        var spec = AtollNode.base(isolation).volumes(List.of(mount));
        return node.engine().sandboxes().create(CALLER, spec.build());
    }
}
