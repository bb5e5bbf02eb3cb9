package dev.atoll.tests.bounds;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.Isolation;
import dev.atoll.domain.ProcessEvent;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessInfo;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.ProcessStream;
import dev.atoll.domain.SandboxId;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.EachIsolation;
import dev.atoll.tests.Kernel;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;

/** Much output and a reader that is slow, late or never comes. The JVM has 256 MiB of heap. */
@EachIsolation
class OutputBoundsTest {
    @Parameter
    Isolation isolation = Isolation.CONTAINER;

    private static final long MIB = 1 << 20;
    /** Much more than heap, spool and sandbox's memory could hide. */
    private static final long OUTPUT = 1024 * MIB;
    /** Kept output of one process (8 MiB here) and what pipe, sockets and client hold beside it. */
    private static final long MOST_UNREAD = 12 * MIB;
    /** An idle guest has about 0.6 MiB; one transfer needs buffers of at most some frames of 256 KiB. */
    private static final long MOST_GUEST_MEMORY = 6 * MIB;
    /** Guest, the program that runs inside, and the sentry, which is about 12 MiB. */
    private static final long MOST_SENTRY_MEMORY = 96L << 20;

    /** Writes {@code argv[1]} MiB of text that differs everywhere; prints its SHA-256 to stderr. */
    private static final String WRITER = """
            import hashlib, random, sys
            block = random.Random(4).randbytes(1 << 20)
            digest = hashlib.sha256()
            for i in range(int(sys.argv[1])):
                data = i.to_bytes(8, 'little') + block[8:]
                digest.update(data)
                sys.stdout.buffer.write(data)
            sys.stdout.flush()
            print(digest.hexdigest(), file=sys.stderr)
            """;

    private final AtollNode node = AtollNode.shared();
    private final ProcessId process = new ProcessId("writer");
    private SandboxId sandbox;

    @BeforeEach
    void create() {
        sandbox = node.create(isolation).id();
    }

    @AfterEach
    void delete() {
        node.engine().sandboxes().delete(CALLER, sandbox);
    }

    private ProcessSpec writer(long bytes) {
        return ProcessSpec.of(List.of("python3", "-c", WRITER, Long.toString(bytes / MIB))).withId(process);
    }

    @Test
    void aReaderThatStallsHoldsTheProcessAndMissesNothing() {
        int guest = node.pidOf(sandbox);
        MessageDigest digest = sha256();
        var hash = new StringBuilder();
        long read = 0;
        try (ProcessStream stream = node.engine().processes().start(CALLER, sandbox, writer(OUTPUT).withReader(true, false))) {
            awaitHeld();
            ProcessInfo held = node.engine().processes().get(CALLER, sandbox, process);
            assertThat(held.exit()).isEmpty();
            assertThat(held.stdoutBytes()).isBetween(1L, MOST_UNREAD);
            assertMemoryBounded(guest);
            Optional<ProcessEvent> event;
            while ((event = stream.next()).isPresent()) {
                switch (event.get()) {
                    case ProcessEvent.Output(ProcessEvent.Stream from, byte[] bytes) -> {
                        if (from == ProcessEvent.Stream.STDOUT) {
                            digest.update(bytes);
                            read += bytes.length;
                        } else {
                            hash.append(AtollNode.text(bytes));
                        }
                    }
                    case ProcessEvent.Gap gap -> throw new AssertionError("a required reader lost " + gap);
                    case ProcessEvent.Exited(var exit) -> assertThat(exit.code()).isZero();
                }
            }
        }
        assertThat(read).isEqualTo(OUTPUT);
        assertThat(HexFormat.of().formatHex(digest.digest())).isEqualTo(hash.toString().strip());
        assertMemoryBounded(guest);
    }

    @Test
    void withoutAReaderTheOldestBytesGoAndALateOneIsToldWhich() {
        long total = 64 * MIB;
        int guest = node.pidOf(sandbox);
        node.engine().processes().startDetached(CALLER, sandbox, writer(total).withReader(false, false));
        assertThat(node.engine().processes().await(CALLER, sandbox, process, Duration.ofMinutes(1)))
                .hasValueSatisfying(exit -> assertThat(exit.stdoutBytes()).isEqualTo(total));
        assertMemoryBounded(guest);
        // What the process wrote, again, to be compared with what was kept of it.
        node.sh(sandbox, "cat > /root/writer.py <<'END'\n" + WRITER + "END\npython3 /root/writer.py "
                + total / MIB + " > /root/all 2> /dev/null");
        var gaps = new ArrayList<ProcessEvent.Gap>();
        long kept = 0;
        MessageDigest digest = sha256();
        try (ProcessStream stream = node.engine().processes().attach(CALLER, sandbox, process, 0, 0, true)) {
            Optional<ProcessEvent> event;
            while ((event = stream.next()).isPresent()) {
                if (event.get() instanceof ProcessEvent.Gap found && found.stream() == ProcessEvent.Stream.STDOUT) {
                    assertThat(kept).as("bytes before the gap").isZero();
                    gaps.add(found);
                } else if (event.get() instanceof ProcessEvent.Output(ProcessEvent.Stream from, byte[] bytes)
                        && from == ProcessEvent.Stream.STDOUT) {
                    digest.update(bytes);
                    kept += bytes.length;
                }
            }
        }
        assertThat(gaps).containsExactly(new ProcessEvent.Gap(ProcessEvent.Stream.STDOUT, 0, total - kept));
        assertThat(kept).isBetween(4 * MIB, MOST_UNREAD);
        assertThat(HexFormat.of().formatHex(digest.digest()))
                .isEqualTo(node.sh(sandbox, "tail -c " + kept + " /root/all | sha256sum | cut -d' ' -f1"));
    }

    private void assertMemoryBounded(int pid) {
        switch (isolation) {
            case GVISOR -> assertThat(Kernel.sentryMemory(pid)).isLessThan(MOST_SENTRY_MEMORY);
            default -> assertThat(Kernel.anonymousMemory(pid)).isLessThan(MOST_GUEST_MEMORY);
        }
    }

    /** Five looks in a row find the same number of bytes. */
    private void awaitHeld() {
        var last = new AtomicLong(-1);
        var same = new AtomicInteger();
        Awaitility.await("the process is held")
                .pollInterval(Duration.ofMillis(200))
                .atMost(Duration.ofSeconds(30))
                .until(() -> {
                    long now = written();
                    return (now > 0 && now == last.getAndSet(now) ? same.incrementAndGet() : clear(same)) == 5;
                });
    }

    private static int clear(AtomicInteger count) {
        count.set(0);
        return 0;
    }

    private long written() {
        return node.engine().processes().get(CALLER, sandbox, process).stdoutBytes();
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
