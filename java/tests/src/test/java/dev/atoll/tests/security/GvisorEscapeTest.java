package dev.atoll.tests.security;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.Isolation;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.Inside;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What root inside a sandbox of the class gvisor sees and can do; the host's side of it. */
class GvisorEscapeTest {
    private static Inside box;

    @BeforeAll
    static void create() {
        box = AtollNode.shared().inside(AtollNode.base(Isolation.GVISOR));
    }

    @AfterAll
    static void delete() {
        box.close();
    }

    @Test
    void theKernelInsideIsNotTheHosts() throws IOException {
        assertThat(box.sh("uname -r")).doesNotContain(Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip());
        assertThat(box.sh("dmesg | head -1")).contains("gVisor");
    }

    @Test
    void capabilitiesAreThoseOfAContainer() {
        assertThat(box.sh("grep CapBnd /proc/self/status").split("\\s+")[1]).isEqualTo("00000000a00405fb");
        assertThat(box.sh("grep CapEff /proc/self/status").split("\\s+")[1]).isEqualTo("00000000a00405fb");
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "mount -t tmpfs none /mnt", "umount /proc", "unshare -m true", "mknod /tmp/disk b 8 0",
        "hostname stolen", "cat /proc/1/mem", "date -s 2001-01-01",
    })
    void whatNeedsAPrivilegeFails(String command) {
        assertThat(box.exitCode(command)).isNotZero();
    }

    @Test
    void onTheHostTheSandboxIsAUserOfItsOwnRangeInItsOwnNamespaces() throws IOException {
        Path sentry = Path.of("/proc/" + AtollNode.shared().pidOf(box.id()));
        List<String> status = Files.readAllLines(sentry.resolve("status"));
        long uid = status.stream()
                .filter(line -> line.startsWith("Uid:"))
                .mapToLong(line -> Long.parseLong(line.split("\\s+")[1]))
                .findFirst()
                .orElseThrow();
        assertThat(uid).isGreaterThanOrEqualTo(65_536).isEqualTo(uid / 65_536 * 65_536);
        for (String namespace : List.of("user", "mnt", "net", "ipc", "uts", "pid_for_children")) {
            assertThat(Files.readSymbolicLink(sentry.resolve("ns").resolve(namespace)))
                    .as(namespace)
                    .isNotEqualTo(Files.readSymbolicLink(Path.of("/proc/self/ns").resolve(namespace)));
        }
        assertThat(status).contains("Seccomp:\t2");
        assertThat(Files.readString(sentry.resolve("cgroup"))).contains("/atoll-" + AtollNode.shared().instance() + "/");
    }

    @Test
    void nothingOfTheHostIsMountedOrShownInside() {
        String seen = box.sh("cat /proc/self/mountinfo /proc/mounts /proc/cmdline /proc/partitions 2>&1; ls /sys /sys/block 2>&1; ps axo pid,comm");
        assertThat(seen).doesNotContain("/run/atoll").doesNotContain("/var/").doesNotContain("loop").doesNotContain("runsc");
    }

    /** Its namespaces are the sentry's; what root of one gains ends at PID 1 and at what the sentry itself may do. */
    @ParameterizedTest
    @ValueSource(strings = {
        "mknod /tmp/disk b 7 0", "cat /proc/1/mem", "ls -l /proc/1/exe", "hostname stolen", "date -s 2001-01-01",
        "ip link set eth0 down", "mount -t ext4 /dev/loop0 /mnt",
    })
    void rootOfANestedUserNamespaceGainsNothingOverTheSandbox(String command) {
        assertThat(box.exitCode("unshare -Urm sh -c '" + command + "'")).isNotZero();
    }
}
