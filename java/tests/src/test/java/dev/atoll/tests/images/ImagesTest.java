package dev.atoll.tests.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.CreateSandbox;
import dev.atoll.domain.ImageException;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.Source;
import dev.atoll.image.registry.RegistrySettings;
import dev.atoll.image.registry.RegistrySettings.Registry;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.EachIsolation;
import dev.atoll.tests.Inside;
import dev.atoll.tests.Tar;
import dev.atoll.tests.images.TestImage.Compression;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;

/** Sandboxes of images in a registry. */
@EachIsolation
class ImagesTest {
    /** CAP_DAC_OVERRIDE, permitted and effective: struct vfs_cap_data of revision 2. */
    private static final byte[] OVERRIDE = {1, 0, 0, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

    private static RegistryProcess registry;
    private static Front front;
    private static AtollNode node;

    @Parameter
    private Isolation isolation = Isolation.CONTAINER;

    @BeforeAll
    static void start() {
        registry = RegistryProcess.start();
        front = new Front(registry.host());
        var settings = new RegistrySettings(
                List.of(plain(registry.host()), plain(front.host())), Optional.empty(), true, Duration.ofSeconds(5),
                Duration.ofSeconds(20), 4, 1L << 30);
        node = AtollNode.start(config -> config.withRegistries(Optional.of(settings)));
    }

    private static Registry plain(String host) {
        return new Registry(host, true, Optional.empty(), Optional.empty());
    }

    @AfterAll
    static void stop() {
        node.close();
        front.close();
        registry.close();
    }

    @Test
    void whatTheImageSaysIsInItsSandboxes() {
        TestImage.withShell()
                .config("Env", List.of("GREETING=hello there", "PATH=/bin"))
                .config("User", "app")
                .config("WorkingDir", "/srv")
                .config("Entrypoint", List.of("/bin/sh", "-c"))
                .config("Cmd", List.of("exit 3"))
                .config("Labels", Map.of("a", "b"))
                .config("ExposedPorts", Map.of("80/tcp", Map.of()))
                .push(registry.host(), "plain/app", "1");
        try (Inside in = inside(registry, "plain/app:1")) {
            assertThat(in.sh("echo $GREETING; id -un; pwd")).isEqualTo("hello there\napp\n/srv\n");
        }
        var config = node.engine().templates().get(AtollNode.CALLER, registry.host() + "/plain/app:1").config();
        assertThat(config.entrypoint()).containsExactly("/bin/sh", "-c");
        assertThat(config.command()).containsExactly("exit 3");
        assertThat(config.labels()).containsEntry("a", "b");
        assertThat(config.exposedPorts()).containsExactly("80/tcp");
    }

    @Test
    void layersLieOverEachOtherAsTheSpecificationSays() {
        String longName = "n".repeat(200);
        TestImage.withShell()
                .layer(
                        Tar.of().as(0755, 0, 0).directory("d/").directory("o/").directory("o/sub/")
                                .as(0644, 0, 0).file("gone", "1").file("d/gone", "1").file("d/stays", "1")
                                .file("o/old", "1").file("o/sub/old", "1").file("linked", "shared"),
                        Compression.NONE)
                .layer(
                        Tar.of().file(".wh.gone", "").file("d/.wh.gone", "").file("o/new", "2").file("o/.wh..wh..opq", "")
                                .file("o/sub/new", "2").hardLink("link", "linked")
                                .as(04755, 0, 0).file("setuid", "x")
                                .as(01777, 7, 8).directory("sticky/")
                                .as(0644, 0, 0)
                                .pax("path", ("pax/" + longName).getBytes(StandardCharsets.UTF_8)).file("short", "pax")
                                .gnuLongName("gnu/" + longName).file("short", "gnu")
                                .header("device", '3', 0, "").header("block", '4', 0, "").header("fifo", '6', 0, ""),
                        Compression.ZSTD)
                .push(registry.host(), "layers", "1");
        try (Inside in = inside(registry, "layers:1")) {
            assertThat(in.sh("ls -d gone d/gone o/old o/sub/old 2>/dev/null; ls d o o/sub; ls -d device block 2>/dev/null; true"))
                    .isEqualTo("d:\nstays\n\no:\nnew\nsub\n\no/sub:\nnew\n");
            assertThat(in.sh("stat -c '%h %i' linked link | sort -u | wc -l; cat link; stat -c %F fifo"))
                    .isEqualTo("1\nsharedfifo\n");
            assertThat(in.sh("stat -c '%a %u:%g' setuid sticky")).isEqualTo("4755 0:0\n1777 7:8\n");
            assertThat(in.sh("cat pax/n* gnu/n*; ls pax gnu | tr -d '\\n' | wc -c")).isEqualTo("paxgnu" + (2 * 200 + 8) + "\n");
        }
    }

    /** The sandbox that applied the layer had other ids than this one. */
    @Test
    void capabilitiesOfFilesCountInEverySandbox() {
        Tar tar = Tar.of().as(0600, 0, 0).file("etc/secret", "for root").as(0755, 0, 0);
        tar.pax("SCHILY.xattr.security.capability", OVERRIDE).file("bin/busybox-able", busybox());
        TestImage.withShell().layer(tar).push(registry.host(), "capable", "1");
        try (Inside in = inside(registry, "capable:1")) {
            assertThat(in.exitCodeAs("app", "cat /etc/secret")).isEqualTo(1);
            assertThat(in.exitCodeAs("app", "/bin/busybox-able cat /etc/secret")).isZero();
        }
    }

    private static byte[] busybox() {
        try {
            return Files.readAllBytes(DebianPackage.file("busybox-static", "bin/busybox"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void thirtyLayersAreOneRoot() {
        TestImage image = TestImage.withShell();
        for (int i = 1; i < 30; i++) {
            image.layer(Tar.of().file("many/" + i, "" + i).file("last", "" + i).file("many/.wh." + (i - 2), ""));
        }
        image.push(registry.host(), "many", "30");
        try (Inside in = inside(registry, "many:30")) {
            assertThat(in.sh("cat last; ls many | sort | tr '\\n' ' '")).isEqualTo("2928 29 ");
        }
        assertThat(node.engine().templates().get(AtollNode.CALLER, registry.host() + "/many:30").layers()).hasSize(1);
    }

    @Test
    void hostilePathsStayInsideAndReachNoMount() {
        Path outside = Path.of("/tmp/atoll-image-test-" + isolation);
        TestImage.withShell()
                .layer(Tar.of()
                        .file("/absolute", "1")
                        .symlink("root-link", "/").file("root-link/through", "1")
                        .symlink("up", "../../../../../../tmp").file("up/atoll-image-test-" + isolation, "1")
                        .symlink("self", "/proc/self").file("self/mem", "1").file("proc/sys/kernel/core_pattern", "1")
                        .file("dev/null", "1").file("sys/x", "1").file("run/.atoll/e", "1").symlink("etc/mtab", "/proc/mounts")
                        .file("etc/mtab", "replaced"))
                .push(registry.host(), "hostile", mine());
        try (Inside in = inside(registry, "hostile:" + mine())) {
            assertThat(in.sh("cat /absolute /through /tmp/atoll-image-test-* /etc/mtab; stat -c %F /dev/null; ls /sys/x 2>&1 | wc -l"))
                    .isEqualTo("111replacedcharacter special file\n1\n");
        }
        assertThat(outside).doesNotExist();
        TestImage.withShell().layer(Tar.of().file("a/../../../x", "1")).push(registry.host(), "hostile", "dots");
        assertThatThrownBy(() -> inside(registry, "hostile:dots"))
                .isInstanceOfSatisfying(ImageException.class, e -> assertThat(e.reason()).isEqualTo(ImageException.Reason.MALFORMED))
                .hasMessageContaining("..");
    }

    @Test
    void whatImagesShareIsHadOnceAndTheSecondUseAsksNobody() {
        String mine = mine();
        TestImage base = TestImage.withShell().layer(Tar.of().file("base", mine));
        base.push(registry.host(), "shared/" + mine, "base");
        TestImage.withShell().layer(Tar.of().file("base", mine)).layer(Tar.of().file("more", mine))
                .push(registry.host(), "shared/" + mine, "more");
        front.play((exchange, f) -> false);
        try (Inside in = inside(front.host() + "/shared/" + mine + ":base")) {
            assertThat(in.sh("cat base")).isEqualTo(mine);
        }
        assertThat(front.seen()).anyMatch(line -> line.contains(base.layerDigest(1)));
        front.play((exchange, f) -> false);
        try (Inside in = inside(front.host() + "/shared/" + mine + ":more")) {
            assertThat(in.sh("cat base more")).isEqualTo(mine + mine);
        }
        assertThat(front.seen()).noneMatch(line -> line.contains(base.layerDigest(0)) || line.contains(base.layerDigest(1)));
        front.play((exchange, f) -> false);
        try (Inside in = inside(front.host() + "/shared/" + mine + ":more")) {
            assertThat(in.sh("cat more")).isEqualTo(mine);
        }
        assertThat(front.seen()).isEmpty();
    }

    @Test
    void anIndexLeadsToTheImageOfThisMachine() {
        TestImage other = TestImage.empty().layer(Tar.of().file("other", "1")).architecture("s390x");
        TestImage.pushIndex(
                registry.host(), "index", "1", List.of(other, TestImage.withShell().layer(Tar.of().file("ours", "yes"))));
        try (Inside in = inside(registry, "index:1")) {
            assertThat(in.sh("cat ours")).isEqualTo("yes");
        }
        TestImage.pushIndex(registry.host(), "index", "foreign", List.of(other));
        assertThatThrownBy(() -> inside(registry, "index:foreign"))
                .isInstanceOfSatisfying(ImageException.class, e -> assertThat(e.reason()).isEqualTo(ImageException.Reason.NO_PLATFORM))
                .hasMessageContaining("linux/s390x");
    }

    /** For images that one class must not find pulled by the other. */
    private String mine() {
        return isolation.name().toLowerCase(Locale.ROOT);
    }

    private Inside inside(RegistryProcess of, String image) {
        return inside(of.host() + "/" + image);
    }

    private Inside inside(String image) {
        return node.inside(CreateSandbox.from(new Source.OfImage(image)).isolation(Optional.of(isolation)));
    }
}
