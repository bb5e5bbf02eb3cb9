package dev.atoll.tests.engine;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.CreateSandbox;
import dev.atoll.domain.Entrypoint;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.LifecycleRule;
import dev.atoll.domain.LifecycleRule.Action;
import dev.atoll.domain.LifecycleRule.Since;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.Outcome;
import dev.atoll.domain.Outcome.Kind;
import dev.atoll.domain.ProcessEvent;
import dev.atoll.domain.ProcessEvent.Stream;
import dev.atoll.domain.ProcessExit;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.ProcessStream;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SandboxQuery;
import dev.atoll.domain.SandboxState;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.EachIsolation;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;

/** Sandboxes that exist for one process: how it is reached, how they end, what stays readable. */
@EachIsolation
class EntrypointTest {
    @Parameter
    Isolation isolation = Isolation.CONTAINER;

    private static final Duration LONG = Duration.ofSeconds(30);

    @SuppressWarnings("NullAway.Init") // before the first test of each class
    private static AtollNode node;

    @BeforeParameterizedClassInvocation
    static void start() {
        node = AtollNode.start();
    }

    @AfterParameterizedClassInvocation
    static void stop() {
        node.close();
    }

    @Test
    void theExitOfTheEntrypointEndsTheSandboxAndItsOutputStays() {
        SandboxId id = create("echo out; echo err >&2; exit 7");

        Outcome outcome = end(id);

        assertThat(outcome.kind()).isEqualTo(Kind.EXITED);
        assertThat(outcome.exit()).map(ProcessExit::code).contains(7);
        assertThat(read(id, Stream.STDOUT, 0)).isEqualTo("out\n");
        assertThat(read(id, Stream.STDERR, 0)).isEqualTo("err\n");
        assertThat(read(id, Stream.STDOUT, 2)).isEqualTo("t\n");
        assertThatThrownBy(() -> node.engine().sandboxes().get(CALLER, id)).isInstanceOf(NotFoundException.class);
        assertThatThrownBy(() -> node.run(id, "true")).isInstanceOf(NotFoundException.class);
        Awaitility.await().untilAsserted(
                () -> assertThat(node.warden().listAll().disks()).extracting(d -> d.id()).doesNotContain(id));
    }

    @Test
    void aSignalIsToldAsOne() {
        SandboxId id = create("kill -TERM $$");
        assertThat(end(id).exit()).map(ProcessExit::signal).contains(15);
    }

    @Test
    void standardInputIsWrittenByOffset() {
        SandboxId id = create("head -n 2");

        assertThat(input(id, 0, "one\n")).isEqualTo(4);
        assertThat(input(id, 0, "one\ntw")).isEqualTo(6);
        var status = node.engine().processes().inputStatus(CALLER, id, Entrypoint.PROCESS);
        assertThat(status.accepted()).isEqualTo(6);
        assertThat(status.closed()).isFalse();
        input(id, 6, "o\n");

        assertThat(end(id).exit()).map(ProcessExit::code).contains(0);
        assertThat(read(id, Stream.STDOUT, 0)).isEqualTo("one\ntwo\n");
    }

    @Test
    void aReaderFollowsOverTheEndOfTheSandbox() throws Exception {
        SandboxId id = create("echo first; exec sleep infinity");
        var firstSeen = new CompletableFuture<Boolean>();
        CompletableFuture<List<ProcessEvent>> events = CompletableFuture.supplyAsync(() -> {
            try (ProcessStream stream = node.engine().processes()
                    .attachTo(CALLER, id, Entrypoint.PROCESS, Stream.STDOUT, 0, false)) {
                return all(stream, firstSeen);
            }
        });
        firstSeen.get(30, TimeUnit.SECONDS);

        node.engine().sandboxes().delete(CALLER, id);

        List<ProcessEvent> seen = events.get(30, TimeUnit.SECONDS);
        assertThat(text(seen)).isEqualTo("first\n");
        assertThat(seen.getLast()).isInstanceOfSatisfying(
                ProcessEvent.Exited.class, exited -> assertThat(exited.exit().signal()).isEqualTo(9));
        assertThat(end(id).kind()).isEqualTo(Kind.TERMINATED);
    }

    @Test
    void aCommandThatIsNotThereIsAnInitFailure() {
        SandboxId id = node.engine().sandboxes()
                .create(CALLER, entrypoint(List.of("/no/such/program")).build())
                .id();
        Outcome outcome = end(id);
        assertThat(outcome.kind()).isEqualTo(Kind.INIT_FAILURE);
        assertThat(outcome.detail()).contains("/no/such/program");
    }

    @Test
    void lackOfMemoryIsToldAsSuch() {
        SandboxId id = node.engine().sandboxes()
                .create(CALLER, entrypoint(List.of("python3", "-c", "b = bytearray(1 << 30)\nprint(len(b))"))
                        .memoryBytes(Optional.of(128L << 20))
                        .build())
                .id();
        Outcome outcome = end(id);
        assertThat(outcome.kind()).isEqualTo(Kind.OUT_OF_MEMORY);
        switch (isolation) {
            // The sandbox ended with it, and nobody was left to tell how the process did.
            case GVISOR -> assertThat(outcome.detail()).contains("memory");
            default -> assertThat(outcome.exit()).map(ProcessExit::oomKilled).contains(true);
        }
    }

    @Test
    void rulesEndItWithTheirOwnOutcomes() {
        SandboxId old = node.engine().sandboxes()
                .create(CALLER, sleeping(Since.CREATION, Duration.ofHours(1)).build())
                .id();
        SandboxId idle = node.engine().sandboxes()
                .create(CALLER, sleeping(Since.LAST_ACTIVITY, Duration.ofMinutes(1)).build())
                .id();

        node.clock().advance(Duration.ofMinutes(1));
        assertThat(end(idle).kind()).isEqualTo(Kind.IDLE_TIMEOUT);
        assertThat(node.engine().sandboxes().awaitEnd(CALLER, old, Duration.ZERO)).isEmpty();
        node.clock().advance(Duration.ofHours(1));
        assertThat(end(old).kind()).isEqualTo(Kind.TIMEOUT);
    }

    @Test
    void theOutputOfATerminalIsOneStream() {
        SandboxId id = node.engine().sandboxes()
                .create(CALLER, AtollNode.base(isolation)
                        .entrypoint(Optional.of(new Entrypoint.Request(
                                Optional.of(List.of("/bin/sh", "-c", "test -t 1 && echo tty >&2; stty size")),
                                Optional.empty(),
                                Optional.of(new ProcessSpec.Tty(101, 33, "xterm")),
                                true)))
                        .build())
                .id();
        end(id);
        assertThat(read(id, Stream.STDOUT, 0)).isEqualTo("tty\r\n33 101\r\n");
    }

    @Test
    void endedOnesAreListedWhenAskedNewestFirstAndByTheInstantBefore() {
        Map<String, String> app = Map.of("app", "listed");
        SandboxId first = node.engine().sandboxes().create(CALLER, sh("true").labels(app).build()).id();
        end(first);
        node.clock().advance(Duration.ofSeconds(1));
        Sandbox second = node.engine().sandboxes().create(CALLER, sh("sleep infinity").labels(app).build());

        assertThat(ids(query(app, Optional.empty(), false))).containsExactly(second.id());
        assertThat(ids(query(app, Optional.empty(), true))).containsExactly(second.id(), first);
        assertThat(ids(query(app, Optional.of(second.createdAt()), true))).containsExactly(first);
        assertThat(node.engine().sandboxes().list(CALLER, query(app, Optional.empty(), true)).items().getLast().state())
                .isEqualTo(SandboxState.DELETED);
        node.engine().sandboxes().delete(CALLER, second.id());
    }

    @Test
    void aRepeatedCreateOfAKeyFindsTheSandboxThatHasEnded() {
        CreateSandbox spec = sh("exit 3").idempotencyKey(Optional.of("once")).build();
        SandboxId id = node.engine().sandboxes().create(CALLER, spec).id();
        end(id);
        Sandbox again = node.engine().sandboxes().create(CALLER, spec);
        assertThat(again.id()).isEqualTo(id);
        assertThat(again.outcome()).map(Outcome::kind).contains(Kind.EXITED);
    }

    @Test
    void theNameIsFreeWhenItHasEnded() {
        end(node.engine().sandboxes().create(CALLER, sh("true").name(Optional.of("again")).build()).id());
        end(node.engine().sandboxes().create(CALLER, sh("true").name(Optional.of("again")).build()).id());
    }

    @Test
    void aRestartedEngineGoesOnWaiting() {
        SandboxId id = create("read line; echo got $line; exit 4");
        node.restartEngine();
        input(id, 0, "it\n");
        assertThat(end(id).exit()).map(ProcessExit::code).contains(4);
        node.restartEngine();
        assertThat(end(id).kind()).isEqualTo(Kind.EXITED);
        assertThat(read(id, Stream.STDOUT, 0)).isEqualTo("got it\n");
    }

    @Test
    void oneThatEndedWithoutAnEngineIsLost() {
        SandboxId id = create("exec sleep infinity");
        int pid = node.pidOf(id);
        node.stopEngine();
        ProcessHandle process = ProcessHandle.of(pid).orElseThrow();
        process.destroyForcibly();
        Awaitility.await().until(() -> !process.isAlive());
        node.startEngine();
        assertThat(end(id).kind()).isEqualTo(Kind.LOST);
        assertThat(node.engine().node().audit(false)).isEmpty();
    }

    @Test
    void whatIsKeptAreTheNewestBytesAndAReaderIsToldTheGap() {
        long written = 20L << 20;
        SandboxId id = create("head -c " + written + " /dev/zero | tr '\\0' x; echo; echo last");
        end(id);
        try (ProcessStream stream = node.engine().processes()
                .attachTo(CALLER, id, Entrypoint.PROCESS, Stream.STDOUT, 0, false)) {
            List<ProcessEvent> events = all(stream, new CompletableFuture<>());
            assertThat(events.getFirst()).isInstanceOf(ProcessEvent.Gap.class);
            String kept = text(events);
            assertThat(kept).endsWith("x\nlast\n");
            assertThat(((ProcessEvent.Gap) events.getFirst()).to() + kept.length()).isEqualTo(written + 6);
            assertThat(kept.length()).isLessThanOrEqualTo(8 << 20);
        }
    }

    @Test
    void theTemplatesCommandIsTheDefaultAndNoneIsNoProcess() {
        SandboxId id = node.engine().sandboxes()
                .create(CALLER, AtollNode.base(isolation)
                        .entrypoint(Optional.of(
                                new Entrypoint.Request(Optional.of(List.of()), Optional.empty(), Optional.empty(), true)))
                        .build())
                .id();
        assertThat(node.engine().processes().list(CALLER, id, true)).isEmpty();
        node.engine().sandboxes().delete(CALLER, id);
        assertThat(end(id).kind()).isEqualTo(Kind.TERMINATED);
    }

    private CreateSandbox.Builder sleeping(Since since, Duration after) {
        return sh("exec sleep infinity")
                .rules(List.of(new LifecycleRule(SandboxState.RUNNING, since, after, Action.DELETE, Set.of())));
    }

    private CreateSandbox.Builder sh(String command) {
        return entrypoint(List.of("/bin/sh", "-c", command));
    }

    private CreateSandbox.Builder entrypoint(List<String> argv) {
        return AtollNode.base(isolation)
                .entrypoint(Optional.of(
                        new Entrypoint.Request(Optional.empty(), Optional.of(argv), Optional.empty(), true)));
    }

    private SandboxId create(String command) {
        return node.engine().sandboxes().create(CALLER, sh(command).build()).id();
    }

    private static Outcome end(SandboxId id) {
        return node.engine().sandboxes().awaitEnd(CALLER, id, LONG).flatMap(Sandbox::outcome).orElseThrow();
    }

    private static long input(SandboxId id, long offset, String text) {
        return node.engine().processes().input(
                CALLER, id, Entrypoint.PROCESS, offset, text.getBytes(StandardCharsets.UTF_8), false);
    }

    private static String read(SandboxId id, Stream which, long offset) {
        try (ProcessStream stream =
                node.engine().processes().attachTo(CALLER, id, Entrypoint.PROCESS, which, offset, false)) {
            return text(all(stream, new CompletableFuture<>()));
        }
    }

    private static List<ProcessEvent> all(ProcessStream stream, CompletableFuture<Boolean> firstSeen) {
        var events = new ArrayList<ProcessEvent>();
        for (Optional<ProcessEvent> event; (event = stream.next()).isPresent(); ) {
            events.add(event.get());
            firstSeen.complete(true);
        }
        return events;
    }

    private static String text(List<ProcessEvent> events) {
        var bytes = new ByteArrayOutputStream();
        events.forEach(event -> {
            if (event instanceof ProcessEvent.Output output) {
                bytes.writeBytes(output.bytes());
            }
        });
        return AtollNode.text(bytes.toByteArray());
    }

    private static SandboxQuery query(
            Map<String, String> labels, Optional<Instant> before, boolean finished) {
        return new SandboxQuery(labels, Set.of(), Optional.empty(), before, finished, 10, Optional.empty());
    }

    private static List<SandboxId> ids(SandboxQuery query) {
        return node.engine().sandboxes().list(CALLER, query).items().stream().map(Sandbox::id).toList();
    }
}
