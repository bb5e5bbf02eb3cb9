package dev.atoll.tests.security;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.tests.AtollNode;
import dev.atoll.tests.Inside;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What root inside a sandbox of the class {@code container} tries in order to get out. Each test is a
 * row of SECURITY.md and must fail safely: the attempt is refused, and the sandbox goes on working.
 */
class EscapeTest {
    private static Inside box;

    @BeforeAll
    static void create() {
        box = AtollNode.shared().inside();
    }

    @AfterAll
    static void delete() {
        box.close();
    }

    /** Numbers of x86-64 system calls that the standard profile refuses, with arguments that would be valid. */
    @ParameterizedTest
    @CsvSource({
        "mount, 165", "umount2, 166", "pivot_root, 155", "setns, 308", "swapon, 167", "reboot, 169",
        "init_module, 175", "finit_module, 313", "kexec_load, 246", "perf_event_open, 298", "bpf, 321",
        "userfaultfd, 323", "io_uring_setup, 425", "io_uring_enter, 426", "io_uring_register, 427",
        "add_key, 248", "request_key, 249", "keyctl, 250", "open_by_handle_at, 304", "open_tree, 428",
        "move_mount, 429", "fsopen, 430", "fsmount, 432", "mount_setattr, 442", "settimeofday, 164",
        "acct, 163", "iopl, 172", "ioperm, 173", "quotactl, 179",
    })
    void aPrivilegedSystemCallAnswersEperm(String name, int number) {
        String out = box.python("""
                import ctypes, errno
                libc = ctypes.CDLL(None, use_errno=True)
                r = libc.syscall(%d, 0, 0, 0, 0, 0, 0)
                print(r, errno.errorcode.get(ctypes.get_errno(), ctypes.get_errno()))
                """.formatted(number));
        assertThat(out.strip()).as(name).isEqualTo("-1 EPERM");
    }

    @Test
    void clone3LooksAbsentSoThatLibrariesUseTheFilteredClone() {
        assertThat(box.python("""
                import ctypes, errno
                libc = ctypes.CDLL(None, use_errno=True)
                r = libc.syscall(435, 0, 0)
                print(r, errno.errorcode[ctypes.get_errno()])
                """).strip()).isEqualTo("-1 ENOSYS");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-U", "-m", "-n", "-p -f", "-u", "-i", "-C", "-Urm"})
    void noNewNamespaceCanBeMade(String flags) {
        assertThat(box.exitCode("unshare " + flags + " true")).isNotZero();
    }

    @Test
    void capabilitiesAreTheListedOnesAndNoneIsAmbient() {
        List<String> status = box.sh("grep ^Cap /proc/self/status").lines().toList();
        long effective = Long.parseLong(value(status, "CapEff:"), 16);
        // CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE,
        // SYS_CHROOT, AUDIT_WRITE, SETFCAP; see capabilities(7).
        long allowed = 0;
        for (int bit : new int[] {0, 1, 3, 4, 5, 6, 7, 8, 10, 18, 29, 31}) {
            allowed |= 1L << bit;
        }
        assertThat(effective & ~allowed).as("capabilities beyond the list, as bits").isZero();
        assertThat(Long.parseLong(value(status, "CapBnd:"), 16) & ~allowed).isZero();
        assertThat(Long.parseLong(value(status, "CapAmb:"), 16)).isZero();
    }

    private static String value(List<String> status, String key) {
        return status.stream().filter(l -> l.startsWith(key)).findFirst().orElseThrow().substring(key.length()).strip();
    }

    @Test
    void deviceNodesCannotBeMadeAndTheHostsAreNotThere() {
        assertThat(box.exitCode("mknod /tmp/mem c 1 1")).isNotZero();
        assertThat(box.exitCode("mknod /tmp/disk b 7 0")).isNotZero();
        assertThat(box.sh("cd /dev && find . -type b -o -type c | sort | tr '\\n' ' '").strip().split(" "))
                .isSubsetOf("./null", "./zero", "./full", "./random", "./urandom", "./tty", "./ptmx", "./pts/ptmx",
                        "./console");
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)", "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
        "socket.socket(socket.AF_INET, socket.SOCK_RAW, 255)", "socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)",
    })
    void rawAndForeignSocketFamiliesAreRefused(String expression) {
        assertThat(box.python("""
                import socket
                try:
                    %s
                    print('opened')
                except OSError as e:
                    print('refused')
                """.formatted(expression)).strip()).isEqualTo("refused");
    }

    @Test
    void pidOneCanBeNeitherTracedNorReadNorKilled() {
        assertThat(box.python("""
                import ctypes, os
                libc = ctypes.CDLL(None, use_errno=True)
                print('ptrace', libc.ptrace(16, 1, 0, 0))
                for name in ('mem', 'environ', 'maps', 'fd', 'exe', 'root', 'cwd'):
                    path = '/proc/1/' + name
                    try:
                        os.listdir(path) if name == 'fd' else (os.readlink(path) if name in ('exe', 'root', 'cwd') else open(path, 'rb').read(1))
                        print(name, 'readable')
                    except OSError:
                        print(name, 'refused')
                os.kill(1, 9)
                """).lines().toList())
                .containsExactly("ptrace -1", "mem refused", "environ refused", "maps refused", "fd refused",
                        "exe refused", "root refused", "cwd refused");
        assertThat(box.sh("echo alive").strip()).isEqualTo("alive");
    }

    @Test
    void noDescriptorOfTheHostIsInherited() {
        String targets = box.sh("for f in /proc/self/fd/*; do readlink $f; done | sort -u");
        assertThat(targets.lines().filter(l -> !l.startsWith("pipe:") && !l.startsWith("/proc/") && !l.equals("/dev/null")))
                .isEmpty();
    }

    @Test
    void mountinfoShowsNoPathOfTheHostAndNoForeignId() {
        String mounts = box.sh("cat /proc/self/mountinfo");
        assertThat(mounts).doesNotContain("/var/").doesNotContain("/run/atoll").doesNotContain("/layers/").doesNotContain("/disks/")
                .doesNotContain("/sandboxes/");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/proc/kcore", "/proc/keys", "/proc/key-users", "/proc/timer_list", "/proc/sched_debug"})
    void aFileOfProcThatTellsAboutTheHostIsEmptyOrAbsent(String path) {
        assertThat(box.sh("(cat %s 2>/dev/null || true) | head -c 100".formatted(path))).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe",
        "/proc/sys/vm/overcommit_memory", "/proc/sys/kernel/hostname", "/proc/sys/net/ipv4/ip_forward", "/proc/irq/0/smp_affinity",
    })
    void aSettingOfTheKernelCannotBeWritten(String path) {
        assertThat(box.exitCode("exec 2>/dev/null; echo 1 > " + path)).isNotZero();
    }

    @Test
    void kernelMessagesAndSymbolsAreNotReadable() {
        assertThat(box.exitCode("dmesg")).isNotZero();
        assertThat(box.exitCode("cat /dev/kmsg")).isNotZero();
        assertThat(box.sh("(cat /proc/kallsyms 2>/dev/null || true) | awk '$1 !~ /^0+$/' | head -1")).isEmpty();
    }

    @Test
    void sysShowsNeitherBlockDevicesNorTheHostsHardware() {
        assertThat(box.sh("ls -d /sys/block/* /sys/class/block/* /sys/firmware/* /sys/kernel/debug /sys/kernel/security /sys/class/dmi/* /sys/module /sys/devices/pci* 2>/dev/null || true"))
                .isEmpty();
        assertThat(box.sh("find /sys -writable -type f 2>/dev/null | head -3")).isEmpty();
    }

    @Test
    void theCgroupTreeIsNotThereToEscapeThrough() {
        assertThat(box.exitCode("mkdir -p /tmp/cg && mount -t cgroup2 none /tmp/cg")).isNotZero();
        assertThat(box.exitCode("mkdir -p /tmp/cg && mount -t cgroup -o memory none /tmp/cg")).isNotZero();
        assertThat(box.sh("find / -xdev -name release_agent -o -xdev -name cgroup.procs 2>/dev/null | head -1")).isEmpty();
        assertThat(box.sh("cut -d: -f3 /proc/self/cgroup | sort -u").strip()).isEqualTo("/");
    }

    @Test
    void anotherSandboxIsNotVisible() {
        try (Inside other = AtollNode.shared().inside()) {
            other.sh("echo secret-of-the-other > /root/secret; (exec -a tell-tale-process sleep 1000) >/dev/null 2>&1 &");
            assertThat(box.sh("ps axo args")).doesNotContain("tell-tale-process");
            assertThat(box.sh("find / -xdev -name secret 2>/dev/null | head -1")).isEmpty();
            assertThat(box.sh("hostname")).isNotEqualTo(other.sh("hostname"));
        }
    }

    @Test
    void anotherUserDoesNotReachTheEnginesSocket() {
        assertThat(box.exitCodeAs("nobody", "ls /run/.atoll/d")).isNotZero();
        assertThat(box.exitCodeAs("nobody", """
                python3 -c "
                import socket
                s = socket.socket(socket.AF_UNIX); s.connect('/run/.atoll/d/e')"
                """)).isNotZero();
    }

    @Test
    void rootThatDialsTheEngineHimselfGainsNothingAndBreaksNothing() {
        box.python("""
                import os, socket
                held = []
                for i in range(400):
                    s = socket.socket(socket.AF_UNIX)
                    s.settimeout(1)
                    try:
                        s.connect('/run/.atoll/d/e')
                        s.sendall(os.urandom(64) if i % 2 else b'\\x7f\\xff\\xff\\xff\\x00')
                        held.append(s)
                    except OSError:
                        pass
                """);
        assertThat(box.sh("echo still here").strip()).isEqualTo("still here");
        assertThat(AtollNode.shared().engine().node().health().healthy()).isTrue();
    }

    @Test
    void idsInsideMapToNobodyOutside() {
        List<String> map = Arrays.asList(box.sh("cat /proc/self/uid_map").strip().split("\\s+"));
        assertThat(map.get(0)).isEqualTo("0");
        assertThat(Long.parseLong(map.get(1))).isGreaterThanOrEqualTo(1L << 20);
        assertThat(map.get(2)).isEqualTo("65536");
    }

    @Test
    void aWorkingDirectoryOrScriptThroughProcSelfDoesNotLeadOut() {
        for (int fd = 3; fd < 13; fd++) {
            String out = box.shAllowFailure("cd /proc/self/fd/%d 2>/dev/null && ls ../../../../".formatted(fd));
            assertThat(out).doesNotContain("pool.img");
        }
        box.sh("printf '#!/proc/self/exe\\n' > /tmp/loop; chmod +x /tmp/loop");
        box.exitCode("/tmp/loop");
        assertThat(box.sh("echo fine").strip()).isEqualTo("fine");
    }

    @Test
    void tiocstiCannotTypeIntoATerminal() {
        assertThat(box.python("""
                import fcntl, os, pty, termios
                m, s = pty.openpty()
                try:
                    fcntl.ioctl(s, termios.TIOCSTI, b'x')
                    print('typed')
                except OSError:
                    print('refused')
                """).strip()).isEqualTo("refused");
    }
}
