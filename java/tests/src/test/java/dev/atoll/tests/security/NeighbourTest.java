package dev.atoll.tests.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.Execution;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.ProcessEvent;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.ProcessStream;
import dev.atoll.domain.Processes;
import dev.atoll.domain.Resources;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.UnavailableException;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.EachIsolation;
import dev.atoll.tests.Inside;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;

/** A sandbox that uses up everything it can get harms itself only. */
@EachIsolation
class NeighbourTest {
    @Parameter
    Isolation isolation = Isolation.CONTAINER;

    private Inside small() {
        return AtollNode.shared().inside(AtollNode.base(isolation)
                .memoryBytes(Optional.of(256 * Resources.MIB))
                .diskBytes(Optional.of(512 * Resources.MIB)));
    }

    /**
     * A process costs some MiB more under gVisor, whose sentry keeps the books of its memory: of so many the
     * memory ends before the number does.
     */
    @Test
    void aForkBombStaysWithinItsSandbox() {
        try (Inside bomber = small();
                Inside victim = AtollNode.shared().inside(AtollNode.base(isolation))) {
            bomber.sh("echo kept > /root/file; sync");
            String bomb = """
                    python3 - <<'END'
                    import os, time
                    made = 0
                    try:
                        while made < 100000:
                            if os.fork() == 0:
                                time.sleep(20)
                                os._exit(0)
                            made += 1
                    except OSError:
                        pass
                    print('stopped at', made)
                    END
                    """;
            switch (isolation) {
                case GVISOR -> assertEndsForLackOfMemory(bomber, () -> bomber.shAllowFailure(bomb));
                default -> {
                    bomber.shAllowFailure(bomb);
                    assertThat(bomber.sh("cat /root/file").strip()).isEqualTo("kept");
                }
            }
            assertThat(victim.sh("echo unharmed").strip()).isEqualTo("unharmed");
        }
    }

    /** Where the memory is enough the number of processes and threads is what ends it, with an error. */
    @Test
    void aThreadBombStaysWithinItsPids() {
        try (Inside bomber = AtollNode.shared().inside(AtollNode.base(isolation).memoryBytes(Optional.of(1024 * Resources.MIB)));
                Inside victim = AtollNode.shared().inside(AtollNode.base(isolation))) {
            String out = bomber.python("""
                    import os, threading
                    threading.stack_size(64 << 10)
                    forever = threading.Event()
                    made = 0
                    try:
                        while made < 10000:
                            threading.Thread(target=forever.wait, daemon=True).start()
                            made += 1
                    except RuntimeError:
                        pass
                    print(made, flush=True)
                    os._exit(0)
                    """);
            assertThat(Integer.parseInt(out.strip())).isBetween(1000, 4096);
            assertThat(bomber.sh("echo the sandbox goes on").strip()).isEqualTo("the sandbox goes on");
            assertThat(victim.sh("echo unharmed").strip()).isEqualTo("unharmed");
        }
    }

    /**
     * In a container the kernel chooses among the processes inside, and the largest is the one. Under gVisor the
     * memory of them all is the sentry's, which is what the kernel kills.
     */
    @Test
    void aMemoryHogIsKilledWithinItsLimitAndSaysSo() {
        try (Inside hog = small();
                Inside victim = AtollNode.shared().inside(AtollNode.base(isolation))) {
            hog.sh("echo kept > /root/file; sync");
            ProcessSpec much = ProcessSpec.of(List.of("python3", "-c", "x = bytearray(1 << 30); print(len(x))"));
            switch (isolation) {
                case GVISOR -> assertEndsForLackOfMemory(hog, () -> hog.run(much));
                default -> {
                    Execution done = hog.run(much);
                    assertThat(done.exit().signal()).isEqualTo(9);
                    assertThat(done.exit().oomKilled()).isTrue();
                    Execution shell = hog.run(ProcessSpec.shell("/bin/sh", "python3 -c 'x = bytearray(1 << 30)'; exit $?"));
                    assertThat(shell.exit().code()).isEqualTo(137);
                    assertThat(shell.exit().oomKilled()).as("the shell's child was").isTrue();
                }
            }
            Execution killed = hog.run(ProcessSpec.shell("/bin/sh", "kill -9 $$"));
            assertThat(killed.exit().signal()).isEqualTo(9);
            assertThat(killed.exit().oomKilled()).as("memory had nothing to do with it").isFalse();
            assertThat(hog.sh("echo the sandbox goes on").strip()).isEqualTo("the sandbox goes on");
            assertThat(victim.sh("echo unharmed").strip()).isEqualTo("unharmed");
        }
    }

    /** What is running in the sandbox is cut off; the sandbox says why, has its files, and starts again. */
    private static void assertEndsForLackOfMemory(Inside box, ThrowingCallable work) {
        var sandboxes = AtollNode.shared().engine().sandboxes();
        assertThatThrownBy(work).isInstanceOf(UnavailableException.class);
        Awaitility.await("the end of the sandbox")
                .until(() -> sandboxes.get(AtollNode.CALLER, box.id()).state() == SandboxState.STOPPED);
        assertThat(sandboxes.get(AtollNode.CALLER, box.id()).failure())
                .hasValueSatisfying(why -> assertThat(why).contains("memory"));
        assertThat(sandboxes.start(AtollNode.CALLER, box.id()).failure()).isEmpty();
        assertThat(box.sh("cat /root/file").strip()).isEqualTo("kept");
    }

    @Test
    void whoeverLooksAtTheEndOfAMemoryHogIsToldTheSame() {
        Processes processes = AtollNode.shared().engine().processes();
        try (Inside hog = small()) {
            hog.sh("echo kept > /root/file; sync");
            ProcessId id = processes
                    .startDetached(AtollNode.CALLER, hog.id(), ProcessSpec.of(List.of("python3", "-c", "bytearray(1 << 30)")))
                    .id();
            if (isolation == Isolation.GVISOR) {
                assertEndsForLackOfMemory(hog, () -> processes.await(AtollNode.CALLER, hog.id(), id, Duration.ofSeconds(60)));
                return;
            }
            var awaited = processes.await(AtollNode.CALLER, hog.id(), id, Duration.ofSeconds(60));
            assertThat(awaited).hasValueSatisfying(exit -> assertThat(exit.oomKilled()).isTrue());
            assertThat(processes.get(AtollNode.CALLER, hog.id(), id).exit())
                    .hasValueSatisfying(exit -> assertThat(exit.oomKilled()).isTrue());
            try (ProcessStream stream = processes.attach(AtollNode.CALLER, hog.id(), id, 0, 0, false)) {
                Optional<ProcessEvent> event = stream.next();
                while (event.isPresent() && !(event.get() instanceof ProcessEvent.Exited)) {
                    event = stream.next();
                }
                assertThat(event).hasValueSatisfying(
                        last -> assertThat(((ProcessEvent.Exited) last).exit().oomKilled()).isTrue());
            }
        }
    }

    @Test
    void aFullDiskIsTheSandboxsOwnAndClearsWhenFilesGo() {
        try (Inside filler = small();
                Inside victim = AtollNode.shared().inside(AtollNode.base(isolation))) {
            String out = filler.shAllowFailure("dd if=/dev/zero of=/root/fill bs=1M count=2000 2>&1; sync");
            assertThat(out).contains("No space left on device");
            assertThat(victim.sh("dd if=/dev/zero of=/root/ok bs=1M count=100 2>&1 && sync && rm /root/ok && echo wrote"))
                    .contains("wrote");
            filler.sh("rm /root/fill && echo again > /root/again && cat /root/again");
        }
    }

    @Test
    void inodesRunOutInsideOnly() {
        try (Inside filler = small();
                Inside victim = AtollNode.shared().inside(AtollNode.base(isolation))) {
            filler.shAllowFailure("""
                    python3 - <<'END'
                    import os
                    os.makedirs('/root/many', exist_ok=True)
                    try:
                        for i in range(200000):
                            open('/root/many/%d' % i, 'w').close()
                    except OSError as e:
                        print(e)
                    END
                    """);
            assertThat(victim.sh("touch /root/fine && echo unharmed").strip()).isEqualTo("unharmed");
        }
    }

    @Test
    void inotifyInstancesAreChargedToTheSandboxThatOpensThem() {
        String exhaust = """
                import ctypes
                libc = ctypes.CDLL(None)
                n = 0
                while n < 5000 and libc.inotify_init1(0) >= 0:
                    n += 1
                print(n)
                """;
        try (Inside greedy = AtollNode.shared().inside(AtollNode.base(isolation));
                Inside victim = AtollNode.shared().inside(AtollNode.base(isolation))) {
            greedy.sh("cat > /tmp/x.py <<'END'\n" + exhaust
                    + "import sys, time\nsys.stdout.flush(); time.sleep(60)\nEND\n(python3 /tmp/x.py > /tmp/n 2>&1 &)\n"
                    + "for i in $(seq 200); do [ -s /tmp/n ] && break; sleep 0.05; done; cat /tmp/n");
            assertThat(Integer.parseInt(victim.python(exhaust).strip())).isGreaterThan(50);
        }
    }

    @Test
    void endlessOutputIsBoundedAndTheTimeoutEndsIt() {
        try (Inside noisy = AtollNode.shared().inside(AtollNode.base(isolation));
                Inside victim = AtollNode.shared().inside(AtollNode.base(isolation))) {
            Execution done = AtollNode.shared().engine().processes().run(AtollNode.CALLER, noisy.id(),
                    ProcessSpec.of(List.of("yes")).withTimeout(Duration.ofSeconds(2)), 1 << 20);
            assertThat(done.exit().timedOut()).isTrue();
            assertThat(done.truncated()).isTrue();
            assertThat(done.stdout()).hasSize(1 << 20);
            assertThat(victim.sh("echo unharmed").strip()).isEqualTo("unharmed");
            assertThat(noisy.sh("echo and quiet again").strip()).isEqualTo("and quiet again");
        }
    }
}
