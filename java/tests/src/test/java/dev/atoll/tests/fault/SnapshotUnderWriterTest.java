package dev.atoll.tests.fault;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.CreateSandbox;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.ProcessEvent;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.ProcessStream;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.Snapshot;
import dev.atoll.domain.Source;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.EachIsolation;
import dev.atoll.tests.Inside;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.params.Parameter;

/** A snapshot of a disk that is being written is what a power cut would leave, and nothing less. */
@EachIsolation
class SnapshotUnderWriterTest {
    @Parameter
    Isolation isolation = Isolation.CONTAINER;

    /**
     * Makes files; after fsync of file and directory it prints
     * {@code name hash}. Beside it one more process overwrites
     * files without sync, so that there is always dirty data.
     */
    private static final String WRITER = """
            import hashlib, os, random, sys
            rng = random.Random(int(sys.argv[1]))
            os.makedirs('/root/w', exist_ok=True)
            os.chdir('/root/w')
            if os.fork() == 0:
                while True:
                    with open('/root/noise%d' % rng.randrange(8), 'wb') as f:
                        f.write(rng.randbytes(rng.randrange(1 << 20)))
            directory = os.open('.', os.O_RDONLY)
            n = 0
            while True:
                n += 1
                data = rng.randbytes(rng.randrange(1, 200000))
                name = 'f%d' % n
                with open('new', 'wb') as f:
                    f.write(data)
                    f.flush()
                    os.fsync(f.fileno())
                os.rename('new', name)
                os.fsync(directory)
                print(name, hashlib.sha256(data).hexdigest(), flush=True)
            """;

    private final AtollNode node = AtollNode.shared();

    @RepeatedTest(4)
    void whatWasSyncedBeforeIsInTheFork(RepetitionInfo repetition) {
        long seed = Long.getLong("atoll.test.seed", 4100) + repetition.getCurrentRepetition();
        int acknowledged = 20 + new Random(seed).nextInt(60);
        try (Inside writing = node.inside(AtollNode.base(isolation))) {
            String known;
            Snapshot snapshot;
            try (ProcessStream stream = node.engine().processes().start(
                    CALLER, writing.id(),
                    ProcessSpec.of(List.of("python3", "-c", WRITER, Long.toString(seed))).withReader(true, true))) {
                known = lines(stream, acknowledged);
                snapshot = node.engine().snapshots().create(CALLER, writing.id(), Optional.empty(), Optional.empty());
                assertThat(lines(stream, 1)).as("the writer went on").isNotEmpty();
            }
            try {
                SandboxId fork = node.engine().sandboxes().create(
                        CALLER, CreateSandbox.from(new Source.OfSnapshot(snapshot.id().value())).build()).id();
                node.sh(fork, "cat > /tmp/known <<'END'\n" + known + "END\ncd /root/w && awk '{print $2 \"  \" $1}' /tmp/known"
                        + " | sha256sum --quiet -c || { echo seed " + seed + " >&2; exit 1; }");
                node.sh(fork, "echo and it can be written > /root/w/again && sync");
                node.engine().sandboxes().delete(CALLER, fork);
            } finally {
                node.engine().snapshots().delete(CALLER, snapshot.id());
            }
        }
    }

    /** At least so many whole lines of its output. */
    private static String lines(ProcessStream stream, int count) {
        var text = new StringBuilder();
        while (text.chars().filter(c -> c == '\n').count() < count) {
            if (stream.next().orElseThrow() instanceof ProcessEvent.Output(ProcessEvent.Stream from, byte[] bytes)) {
                assertThat(from).as(AtollNode.text(bytes)).isEqualTo(ProcessEvent.Stream.STDOUT);
                text.append(AtollNode.text(bytes));
            }
        }
        return text.substring(0, text.lastIndexOf("\n") + 1);
    }
}
