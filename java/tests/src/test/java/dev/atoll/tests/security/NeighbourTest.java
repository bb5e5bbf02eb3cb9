package dev.atoll.tests.security;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.Execution;
import dev.atoll.domain.ProcessEvent;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.ProcessStream;
import dev.atoll.domain.Processes;
import dev.atoll.domain.Resources;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.Inside;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** A sandbox that uses up everything it can get harms itself only. */
class NeighbourTest {
    private static Inside small() {
        return AtollNode.shared().inside(AtollNode.base()
                .memoryBytes(Optional.of(256 * Resources.MIB))
                .diskBytes(Optional.of(512 * Resources.MIB)));
    }

    @Test
    void aForkBombStaysWithinItsPids() {
        try (Inside bomber = small();
                Inside victim = AtollNode.shared().inside()) {
            bomber.shAllowFailure("""
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
                    """);
            assertThat(victim.sh("echo unharmed").strip()).isEqualTo("unharmed");
        }
    }

    @Test
    void aMemoryHogIsKilledInsideItsLimitAndSaysSo() {
        try (Inside hog = small();
                Inside victim = AtollNode.shared().inside()) {
            Execution done = hog.run(ProcessSpec.of(List.of("python3", "-c", "x = bytearray(1 << 30); print(len(x))")));
            assertThat(done.exit().signal()).isEqualTo(9);
            assertThat(done.exit().oomKilled()).isTrue();
            Execution shell = hog.run(ProcessSpec.shell("/bin/sh", "python3 -c 'x = bytearray(1 << 30)'; exit $?"));
            assertThat(shell.exit().code()).isEqualTo(137);
            assertThat(shell.exit().oomKilled()).as("the shell's child was").isTrue();
            Execution killed = hog.run(ProcessSpec.shell("/bin/sh", "kill -9 $$"));
            assertThat(killed.exit().signal()).isEqualTo(9);
            assertThat(killed.exit().oomKilled()).as("memory had nothing to do with it").isFalse();
            assertThat(hog.sh("echo the sandbox goes on").strip()).isEqualTo("the sandbox goes on");
            assertThat(victim.sh("echo unharmed").strip()).isEqualTo("unharmed");
        }
    }

    @Test
    void whoeverLooksAtTheEndOfAMemoryHogIsToldTheSame() {
        Processes processes = AtollNode.shared().engine().processes();
        try (Inside hog = small()) {
            ProcessId id = processes
                    .startDetached(AtollNode.CALLER, hog.id(), ProcessSpec.of(List.of("python3", "-c", "bytearray(1 << 30)")))
                    .id();
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
                Inside victim = AtollNode.shared().inside()) {
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
                Inside victim = AtollNode.shared().inside()) {
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
        try (Inside greedy = AtollNode.shared().inside();
                Inside victim = AtollNode.shared().inside()) {
            greedy.sh("cat > /tmp/x.py <<'END'\n" + exhaust
                    + "import sys, time\nsys.stdout.flush(); time.sleep(60)\nEND\n(python3 /tmp/x.py > /tmp/n 2>&1 &)\n"
                    + "for i in $(seq 200); do [ -s /tmp/n ] && break; sleep 0.05; done; cat /tmp/n");
            assertThat(Integer.parseInt(victim.python(exhaust).strip())).isGreaterThan(50);
        }
    }

    @Test
    void endlessOutputIsBoundedAndTheTimeoutEndsIt() {
        try (Inside noisy = AtollNode.shared().inside();
                Inside victim = AtollNode.shared().inside()) {
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
