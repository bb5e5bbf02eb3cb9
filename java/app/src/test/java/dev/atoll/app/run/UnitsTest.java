package dev.atoll.app.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.atoll.app.config.Config;
import dev.atoll.app.config.ConfigFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The units as 'atoll install' writes them. */
class UnitsTest {
    @TempDir
    private Path directory = Path.of("");

    private Path units = Path.of("");
    private Dist dist = new Dist(Path.of(""), Path.of(""), Path.of(""));

    /** A build of which only what units name is there. */
    @BeforeEach
    void layOut() throws IOException {
        units = Files.createDirectory(directory.resolve("units"));
        Path build = Files.createDirectories(directory.resolve("cache/dist/abc"));
        Files.writeString(build.resolve("java-home"), System.getProperty("java.home") + "\n");
        Path warden = Files.writeString(Files.createDirectories(build.resolve("bin")).resolve("atoll-warden"), "#!/bin/sh\n");
        Files.setPosixFilePermissions(warden, PosixFilePermissions.fromString("rwxr-xr-x"));
        dist = new Dist(build, Path.of("/opt/atoll tree"), directory.resolve("cache"));
    }

    private static Config config(String... settings) {
        return ConfigFile.load(Optional.of(Path.of("/dev/null")), Stream.concat(
                        // One that every machine has: the unit's user must exist to be verified.
                        Stream.of("node.user=daemon"), Stream.of(settings))
                .toList());
    }

    private String unit(String name) throws IOException {
        return Files.readString(units.resolve(name));
    }

    @Test
    void theEngineHasNoRightsAndTheWardenOnlyThoseItNeeds() throws IOException {
        assertThat(new Systemd(config(), dist, units).write(Path.of("/etc/atoll/atoll.yaml")))
                .containsExactly("atoll-warden.service", "atoll-engine.service");
        assertThat(unit("atoll-engine.service").lines())
                .contains("User=daemon", "CapabilityBoundingSet=", "NoNewPrivileges=yes", "ProtectSystem=strict",
                        "ReadWritePaths=/var/lib/atoll/engine /run/atoll/default", "Restart=always",
                        "After=atoll-warden.service network-online.target")
                .noneMatch(line -> line.startsWith("AmbientCapabilities"));
        assertThat(unit("atoll-warden.service").lines())
                .contains("KillMode=process", "Delegate=yes", "Type=notify", "Restart=always")
                // SECURITY.md tells their number.
                .anyMatch(line -> line.startsWith("CapabilityBoundingSet=CAP_SYS_ADMIN ") && line.split(" ").length == 18)
                .noneMatch(line -> line.contains("CAP_SYS_MODULE") || line.contains("CAP_SYS_RAWIO") || line.contains("CAP_SYS_BOOT"))
                // A namespace of mounts of its own would hide the pool; sandboxes inherit no_new_privs.
                .noneMatch(line -> line.startsWith("Protect") || line.startsWith("Private") || line.startsWith("NoNewPrivileges"));
    }

    /** Its file system was read-only there: the engine never came up. */
    @Test
    void theEngineMayWriteToTheDirectoryOfTheBlobStore() throws IOException {
        new Systemd(config("archive.store=directory", "archive.directory=/srv/archive"), dist, units)
                .write(Path.of("/etc/atoll/atoll.yaml"));
        assertThat(unit("atoll-engine.service").lines())
                .contains("ReadWritePaths=/var/lib/atoll/engine /run/atoll/default -/srv/archive");
    }

    @Test
    void instancesHaveUnitsOfTheirOwnNames() {
        assertThat(new Systemd(config("node.instance=two"), dist, units).write(Path.of("/etc/two.yaml")))
                .containsExactly("atoll-two-warden.service", "atoll-two-engine.service");
        assertThat(new Systemd(config(), dist, units).isInstalled()).isFalse();
        assertThat(new Systemd(config("node.instance=two"), dist, units).isInstalled()).isTrue();
    }

    @Test
    void whatSystemdWouldReadOtherwiseIsMasked() throws IOException {
        new Systemd(config("node.state_dir=/srv/100% $mine"), dist, units).write(Path.of("/etc/a b.yaml"));
        assertThat(unit("atoll-warden.service")).contains("\"/etc/a b.yaml\"").contains("Environment=\"ATOLL_HOME=/opt/atoll tree\"");
        assertThat(unit("atoll-engine.service")).contains("\"-Djava.io.tmpdir=/srv/100%% $$mine/engine/tmp\"");
    }

    @Test
    void systemdFindsNothingWrongWithThem() throws Exception {
        assumeThat(Files.isExecutable(Path.of("/usr/bin/systemd-analyze"))).as("systemd-analyze is on this machine").isTrue();
        List<String> names = new Systemd(config(), dist, units).write(Path.of("/etc/atoll/atoll.yaml"));
        var command = new ArrayList<>(List.of("systemd-analyze", "verify", "--man=no", "--recursive-errors=no"));
        names.forEach(name -> command.add(units.resolve(name).toString()));
        var builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("SYSTEMD_UNIT_PATH", units + ":");
        Process verify = builder.start();
        String said = new String(verify.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(verify.waitFor()).as(said).isZero();
        assertThat(said.lines().filter(line -> line.contains("atoll-"))).isEmpty();
    }

    @Test
    void aBuildThatUnitsStartFromIsPinnedUntilTheyAreGone() {
        var systemd = new Systemd(config(), dist, units);
        var unused = systemd.write(Path.of("/etc/atoll/atoll.yaml"));
        assertThat(dist.directory().resolve("installed-default")).exists();
        systemd.remove();
        assertThat(dist.directory().resolve("installed-default")).doesNotExist();
        assertThat(systemd.isInstalled()).isFalse();
        systemd.remove();
    }

    @Test
    void aPortThatIsNotFixedIsRefused() {
        assertThatExceptionOfType(OperatorException.class)
                .isThrownBy(() -> new Systemd(config("modal.listen=127.0.0.1:0"), dist, units).write(Path.of("/etc/atoll/atoll.yaml")))
                .withMessageContaining("modal.listen");
    }
}
