package dev.atoll.tests.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.Isolation;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.UnavailableException;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.EachIsolation;
import dev.atoll.tests.Inside;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What root inside a sandbox tries in order to get out. Each test is a row of SECURITY.md and must fail
 * safely: the attempt is refused, and the sandbox goes on working. Where the sentry of gVisor answers
 * otherwise than the host's kernel behind its filter, the test says what of each.
 */
@EachIsolation
class EscapeTest {
    @Parameter
    Isolation isolation = Isolation.CONTAINER;

    @SuppressWarnings("NullAway.Init") // before the first test of each class
    private static Inside box;

    @BeforeParameterizedClassInvocation
    static void create(Isolation isolation) {
        box = AtollNode.shared().inside(AtollNode.base(isolation));
    }

    @AfterParameterizedClassInvocation
    static void delete() {
        box.close();
    }

    /**
     * Numbers of x86-64 system calls that need a privilege or reach far into a kernel, and what they answer when
     * a class differs: the filter of the containers refuses all of them alike, gVisor's sentry either refuses
     * the privilege or has no such call.
     */
    @ParameterizedTest
    @CsvSource({
        "mount, 165, EPERM", "umount2, 166, EPERM", "pivot_root, 155, EPERM", "setns, 308, EINVAL", "swapon, 167, EPERM",
        "reboot, 169, EPERM", "init_module, 175, EPERM", "finit_module, 313, EPERM", "kexec_load, 246, EPERM",
        "perf_event_open, 298, ENODEV", "bpf, 321, EPERM", "userfaultfd, 323, ENOSYS", "io_uring_setup, 425, ENOSYS",
        "io_uring_enter, 426, ENOSYS", "io_uring_register, 427, ENOSYS", "add_key, 248, EACCES", "request_key, 249, EACCES",
        "keyctl, 250, ENOSYS", "open_by_handle_at, 304, ENOTSUP", "open_tree, 428, EFAULT", "move_mount, 429, EPERM",
        "fsopen, 430, EPERM", "fsmount, 432, EPERM", "mount_setattr, 442, ENOSYS", "settimeofday, 164, EPERM",
        "acct, 163, EPERM", "iopl, 172, EPERM", "ioperm, 173, EPERM", "quotactl, 179, EPERM",
    })
    void aPrivilegedSystemCallIsRefused(String name, int number, String bySentry) {
        String out = box.python("""
                import ctypes, errno
                libc = ctypes.CDLL(None, use_errno=True)
                r = libc.syscall(%d, 0, 0, 0, 0, 0, 0)
                print(r, errno.errorcode.get(ctypes.get_errno(), ctypes.get_errno()))
                """.formatted(number));
        assertThat(out.strip()).as(name).isEqualTo("-1 " + forClass("EPERM", bySentry));
    }

    /** What a test expects of the class that it runs for. */
    private <T> T forClass(T container, T gvisor) {
        return switch (isolation) {
            case CONTAINER -> container;
            case GVISOR -> gvisor;
            case MICROVM -> throw new IllegalStateException("not a class of this version");
        };
    }

    @Test
    void clone3LooksAbsentSoThatLibrariesUseTheFilteredClone() {
        // The sentry filters nothing: it checks the arguments of both.
        String answer = forClass("-1 ENOSYS", "-1 EINVAL");
        assertThat(box.python("""
                import ctypes, errno
                libc = ctypes.CDLL(None, use_errno=True)
                r = libc.syscall(435, 0, 0)
                print(r, errno.errorcode[ctypes.get_errno()])
                """).strip()).isEqualTo(answer);
    }

    @ParameterizedTest
    @ValueSource(strings = {"-U", "-m", "-n", "-p -f", "-u", "-i", "-C", "-Urm"})
    void noNewNamespaceCanBeMade(String flags) {
        boolean ofUsers = flags.startsWith("-U");
        // The sentry makes user namespaces for anybody; what root of one can do is in GvisorEscapeTest.
        boolean made = ofUsers && forClass(false, true);
        assertThat(box.exitCode("unshare " + flags + " true") == 0).isEqualTo(made);
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
                .isSubsetOf(forClass(
                        List.of("./null", "./zero", "./full", "./random", "./urandom", "./tty", "./ptmx", "./pts/ptmx", "./console"),
                        // The sentry's own: a fuse that needs a mount, a tun that needs NET_ADMIN.
                        List.of("./null", "./zero", "./full", "./random", "./urandom", "./tty", "./ptmx", "./pts/ptmx", "./console",
                                "./fuse", "./net/tun")));
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
    void pidOneCanBeNeitherTracedNorRead() {
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
                opened = 0
                for number in range(64):
                    try:
                        os.close(os.open('/proc/1/fd/%d' % number, os.O_RDONLY))
                        opened += 1
                    except OSError:
                        pass
                print('opened', opened)
                """).lines().toList())
                // The sentry lets root list the numbers of open files, and neither see nor open what they are.
                .containsExactly("ptrace -1", "mem refused", "environ refused", "maps refused",
                        forClass("fd refused", "fd readable"), "exe refused", "root refused", "cwd refused", "opened 0");
        assertThat(box.sh("echo alive").strip()).isEqualTo("alive");
    }

    /** The kernel spares PID 1; gVisor's sentry does not: the sandbox ends by its own hand. */
    @Test
    void whoKillsPidOneEndsNothingButHisOwnSandbox() {
        try (Inside own = AtollNode.shared().inside(AtollNode.base(isolation))) {
            own.sh("echo kept > /root/file; sync");
            var sandboxes = AtollNode.shared().engine().sandboxes();
            switch (isolation) {
                case GVISOR -> {
                    assertThatThrownBy(() -> own.sh("kill -9 1; sleep 60")).isInstanceOf(UnavailableException.class);
                    Awaitility.await("the end of the sandbox").until(
                            () -> sandboxes.get(AtollNode.CALLER, own.id()).state() == SandboxState.STOPPED);
                    sandboxes.start(AtollNode.CALLER, own.id());
                }
                default -> {
                    own.sh("kill -9 1");
                    assertThat(sandboxes.get(AtollNode.CALLER, own.id()).generation()).isEqualTo(1);
                }
            }
            assertThat(own.sh("cat /root/file").strip()).isEqualTo("kept");
            assertThat(box.sh("echo alive").strip()).isEqualTo("alive");
        }
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
        // The sentry's network stack is the sandbox's own, and so is what root sets of it.
        boolean own = path.startsWith("/proc/sys/net/") && forClass(false, true);
        assertThat(box.exitCode("exec 2>/dev/null; echo 1 > " + path) == 0).isEqualTo(own);
    }

    @Test
    void kernelMessagesAndSymbolsAreNotReadable() {
        switch (isolation) {
            // The sentry makes messages up.
            case GVISOR -> assertThat(box.sh("dmesg | head -1")).contains("Starting gVisor");
            default -> assertThat(box.exitCode("dmesg")).isNotZero();
        }
        assertThat(box.exitCode("cat /dev/kmsg")).isNotZero();
        assertThat(box.sh("(cat /proc/kallsyms 2>/dev/null || true) | awk '$1 !~ /^0+$/' | head -1")).isEmpty();
    }

    @Test
    void sysShowsNeitherBlockDevicesNorTheHostsHardware() {
        assertThat(box.sh("ls -d /sys/block/* /sys/class/block/* /sys/firmware/* /sys/kernel/debug /sys/kernel/security /sys/class/dmi/* /sys/module/* /sys/devices/pci* 2>/dev/null || true"))
                .isEmpty();
        assertThat(box.exitCode("test -e /sys/module") == 0).as("an empty directory of the sentry").isEqualTo(forClass(false, true));
        if (isolation != Isolation.GVISOR) {
            assertThat(box.sh("find /sys -writable -type f 2>/dev/null | head -3")).isEmpty();
        }
        // The sentry shows modes with which root may write, and takes nothing.
        assertThat(box.sh("for f in $(find /sys -type f); do echo 1 2>/dev/null > $f && echo $f; done 2>/dev/null; true")).isEmpty();
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
        try (Inside other = AtollNode.shared().inside(AtollNode.base(isolation))) {
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
    void idsInsideMapToNobodyOutside() throws IOException {
        // Inside the sentry shows itself as the first namespace; its own is told by the host.
        String shown = forClass(
                box.sh("cat /proc/self/uid_map"),
                Files.readString(Path.of("/proc/" + AtollNode.shared().pidOf(box.id()) + "/uid_map")));
        List<String> map = Arrays.asList(shown.strip().split("\\s+"));
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
