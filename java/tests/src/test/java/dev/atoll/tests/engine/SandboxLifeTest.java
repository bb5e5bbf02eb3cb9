package dev.atoll.tests.engine;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.Caller;
import dev.atoll.domain.ConflictException;
import dev.atoll.domain.CreateSandbox;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Resources;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxChange;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SandboxQuery;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.Source;
import dev.atoll.domain.UnsupportedException;
import dev.atoll.domain.WrongStateException;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.EachIsolation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;

/** What a caller can do to a sandbox, on one node for all tests. */
@EachIsolation
class SandboxLifeTest {
    @Parameter
    Isolation isolation = Isolation.CONTAINER;

    private static final Caller STRANGER = new Caller(new ProjectId("other"), "other", false);

    private static AtollNode node;

    @BeforeAll
    static void start() {
        node = AtollNode.start();
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    @Test
    void aNewSandboxRunsAsItsTemplateAndItsCallerSay() {
        Sandbox made = create(AtollNode.base(isolation).name(Optional.of("first")).env(Map.of("ASKED", "yes")));
        assertThat(made.state()).isEqualTo(SandboxState.RUNNING);
        assertThat(made.generation()).isEqualTo(1);
        assertThat(made.underWay()).isEmpty();
        assertThat(node.sh(made.id(), "id -u; hostname; pwd; echo $ASKED; python3 -c 'print(6*7)'"))
                .isEqualTo("0\nfirst\n/root\nyes\n42");
        delete(made.id());
    }

    @Test
    void aDiskIsOfTheNextClassOfSizesAndSaysSo() {
        Sandbox made = create(AtollNode.base(isolation).diskBytes(Optional.of(300 * Resources.MIB)));
        assertThat(made.resources().diskBytes()).isEqualTo(512 * Resources.MIB);
        node.engine().sandboxes().stop(CALLER, made.id(), Duration.ZERO);
        Sandbox started = node.engine().sandboxes().start(CALLER, made.id());
        assertThat(started.resources().diskBytes()).isEqualTo(512 * Resources.MIB);
        delete(made.id());
    }

    @Test
    void filesSurviveAStopAndAStartOfTheSameSandbox() {
        Sandbox made = node.create(isolation);
        node.sh(made.id(), "echo kept > /root/file; echo kept > /tmp/file; echo $$ > /dev/shm/gone");
        Sandbox stopped = node.engine().sandboxes().stop(CALLER, made.id(), Duration.ofSeconds(2));
        assertThat(stopped.state()).isEqualTo(SandboxState.STOPPED);
        assertThatThrownBy(() -> node.run(made.id(), "true")).isInstanceOf(WrongStateException.class);
        assertThat(node.engine().sandboxes().stop(CALLER, made.id(), Duration.ZERO).state())
                .isEqualTo(SandboxState.STOPPED);
        Sandbox started = node.engine().sandboxes().start(CALLER, made.id());
        assertThat(started.state()).isEqualTo(SandboxState.RUNNING);
        assertThat(started.generation()).isEqualTo(2);
        assertThat(node.sh(made.id(), "cat /root/file /tmp/file; ls /dev/shm")).isEqualTo("kept\nkept");
        delete(made.id());
    }

    @Test
    void aStartWhileStoppingWaitsForTheStop() {
        Sandbox made = node.create(isolation);
        // The stop must not come before the trap, or it is over at once.
        node.sh(made.id(), "(trap '' TERM; echo > /tmp/set; sleep 1000) >/dev/null 2>&1 & until [ -e /tmp/set ]; do sleep 0.01; done");
        CompletableFuture<Sandbox> stop = CompletableFuture.supplyAsync(
                () -> node.engine().sandboxes().stop(CALLER, made.id(), Duration.ofSeconds(1)));
        Awaitility.await().until(() -> node.engine().sandboxes().get(CALLER, made.id()).underWay().isPresent());
        Sandbox started = node.engine().sandboxes().start(CALLER, made.id());
        assertThat(stop.join().state()).isEqualTo(SandboxState.STOPPED);
        assertThat(started.state()).isEqualTo(SandboxState.RUNNING);
        assertThat(started.generation()).isEqualTo(2);
        delete(made.id());
    }

    @Test
    void aPausedSandboxKeepsItsMemoryAndRefusesCommands() {
        Sandbox made = node.create(isolation);
        String pid = node.sh(made.id(), "sleep 1000 >/dev/null 2>&1 & until grep -q sleep /proc/$!/comm; do :; done; echo $!");
        assertThat(node.engine().sandboxes().pause(CALLER, made.id()).state()).isEqualTo(SandboxState.PAUSED);
        assertThatThrownBy(() -> node.run(made.id(), "true"))
                .isInstanceOf(WrongStateException.class)
                .hasMessageContaining("paused");
        assertThat(node.engine().sandboxes().resume(CALLER, made.id()).state()).isEqualTo(SandboxState.RUNNING);
        assertThat(node.sh(made.id(), "cat /proc/" + pid + "/comm")).isEqualTo("sleep");
        delete(made.id());
    }

    /** The kernel's freezer made gVisor's sentry kill what was just starting, and what came next. */
    @Test
    void aProcessThatIsStartingSurvivesAPause() {
        Sandbox made = node.create(isolation);
        for (int i = 0; i < 20; i++) {
            node.sh(made.id(), "sleep 0.2 >/dev/null 2>&1 &");
            node.engine().sandboxes().pause(CALLER, made.id());
            node.engine().sandboxes().resume(CALLER, made.id());
            assertThat(node.sh(made.id(), "cat /proc/self/comm")).isEqualTo("cat");
        }
        delete(made.id());
    }

    @Test
    void aPausedSandboxCanBeStoppedAndStarted() {
        Sandbox made = node.create(isolation);
        node.sh(made.id(), "echo kept > /root/file");
        node.engine().sandboxes().pause(CALLER, made.id());
        node.engine().sandboxes().stop(CALLER, made.id(), Duration.ofSeconds(1));
        node.engine().sandboxes().start(CALLER, made.id());
        assertThat(node.sh(made.id(), "cat /root/file")).isEqualTo("kept");
        delete(made.id());
    }

    @Test
    void aNameIsOneSandboxsAndFreeAfterItsDelete() {
        Sandbox first = create(AtollNode.base(isolation).name(Optional.of("taken")));
        assertThatThrownBy(() -> create(AtollNode.base(isolation).name(Optional.of("taken"))))
                .isInstanceOf(ConflictException.class)
                .hasMessageContaining("taken");
        assertThat(node.engine().sandboxes().findByName(CALLER, "taken")).map(Sandbox::id).contains(first.id());
        delete(first.id());
        assertThat(node.engine().sandboxes().findByName(CALLER, "taken")).isEmpty();
        Sandbox second = create(AtollNode.base(isolation).name(Optional.of("taken")));
        assertThat(second.id()).isNotEqualTo(first.id());
        delete(second.id());
    }

    @Test
    void aDeletedSandboxIsGoneAndItsDeleteMayBeRepeated() {
        Sandbox made = node.create(isolation);
        delete(made.id());
        assertThatThrownBy(() -> node.engine().sandboxes().get(CALLER, made.id())).isInstanceOf(NotFoundException.class);
        delete(made.id());
        assertThat(node.warden().listAll().disks()).noneMatch(disk -> disk.id().equals(made.id()));
        assertThatThrownBy(() -> delete(new SandboxId("f".repeat(32)))).isInstanceOf(NotFoundException.class);
    }

    @Test
    void anotherProjectSeesNothing() {
        Sandbox made = create(AtollNode.base(isolation).name(Optional.of("mine")));
        var sandboxes = node.engine().sandboxes();
        assertThatThrownBy(() -> sandboxes.get(STRANGER, made.id())).isInstanceOf(NotFoundException.class);
        assertThatThrownBy(() -> sandboxes.delete(STRANGER, made.id())).isInstanceOf(NotFoundException.class);
        assertThat(sandboxes.findByName(STRANGER, "mine")).isEmpty();
        assertThat(sandboxes.list(STRANGER, SandboxQuery.ALL).items()).isEmpty();
        delete(made.id());
    }

    @Test
    void aRepeatedCreateWithItsKeyIsTheFirstsSandbox() {
        CreateSandbox spec = AtollNode.base(isolation).idempotencyKey(Optional.of("retry-1" + isolation)).build();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<CompletableFuture<Sandbox>> both = IntStream.range(0, 2)
                    .mapToObj(i -> CompletableFuture.supplyAsync(
                            () -> node.engine().sandboxes().create(CALLER, spec), threads))
                    .toList();
            assertThat(both.get(0).join().id()).isEqualTo(both.get(1).join().id());
            assertThat(both.get(0).join().state()).isEqualTo(SandboxState.RUNNING);
            delete(both.get(0).join().id());
        }
        assertThatThrownBy(() -> node.engine().sandboxes().create(CALLER, spec)).isInstanceOf(ConflictException.class);
    }

    @Test
    void aFailedCreateLeavesNothing() {
        CreateSandbox spec = AtollNode.base(isolation).name(Optional.of("broken")).user(Optional.of("nobody-of-this-name")).build();
        int disks = node.warden().listAll().disks().size();
        try {
            Sandbox made = node.engine().sandboxes().create(CALLER, spec);
            assertThatThrownBy(() -> node.run(made.id(), "true")).hasMessageContaining("nobody-of-this-name");
            delete(made.id());
        } catch (RuntimeException refused) {
            assertThat(node.engine().sandboxes().findByName(CALLER, "broken")).isEmpty();
        }
        assertThat(node.warden().listAll().disks()).hasSize(disks);
    }

    @Test
    void imagesResolveThroughAliasesAndUnknownOnesNameThem() {
        Sandbox made = create(CreateSandbox.from(new Source.OfDockerfile("FROM python:3.11-slim\n")));
        assertThat(made.templateName()).isEqualTo("python:3.11-slim");
        assertThat(made.attributes()).containsEntry("atoll.alias", "python:*");
        delete(made.id());
        assertThatThrownBy(() -> create(CreateSandbox.from(new Source.OfImage("ruby:3"))))
                .isInstanceOf(NotFoundException.class)
                .hasMessageContaining("ruby:3")
                .hasMessageContaining("python:*");
    }

    @Test
    void aClassThatWasNamedNeverFallsBack() {
        assertThatThrownBy(() -> create(AtollNode.base(Isolation.MICROVM)))
                .isInstanceOf(UnsupportedException.class)
                .hasMessageContaining("MICROVM");
        Sandbox made = create(AtollNode.base().isolationOrder(List.of(Isolation.MICROVM, isolation)));
        assertThat(made.isolation()).isEqualTo(isolation);
        delete(made.id());
    }

    @Test
    void listsAreFilteredAndPaged() {
        List<SandboxId> made = IntStream.range(0, 5)
                .mapToObj(i -> create(AtollNode.base(isolation).labels(Map.of("test", "paged", "n", "" + i))).id())
                .toList();
        var query = new SandboxQuery(Map.of("test", "paged"), Set.of(), Optional.empty(), 2, Optional.empty());
        var seen = new ArrayList<SandboxId>();
        var page = node.engine().sandboxes().list(CALLER, query);
        while (true) {
            assertThat(page.total()).isEqualTo(5);
            page.items().forEach(s -> seen.add(s.id()));
            if (page.next().isEmpty()) {
                break;
            }
            page = node.engine().sandboxes().list(CALLER,
                    new SandboxQuery(Map.of("test", "paged"), Set.of(), Optional.empty(), 2, page.next()));
        }
        assertThat(seen).containsExactlyElementsOf(made.reversed());
        made.forEach(SandboxLifeTest::delete);
    }

    @Test
    void anUpdateChangesWhatItNamesOnly() {
        Sandbox made = create(AtollNode.base(isolation).labels(Map.of("a", "1")));
        Sandbox updated = node.engine().sandboxes().update(
                CALLER, made.id(), SandboxChange.NOTHING.withAttributes(Map.of("face", "x")));
        assertThat(updated.labels()).containsExactly(Map.entry("a", "1"));
        assertThat(updated.attributes()).containsExactly(Map.entry("face", "x"));
        delete(made.id());
    }

    @Test
    void aSandboxWhoseFirstProcessIsKilledIsStoppedWithItsFiles() {
        Sandbox made = node.create(isolation);
        node.sh(made.id(), "echo kept > /root/file; sync");
        long pid = node.warden().listAll().live().stream()
                .filter(live -> live.id().equals(made.id()))
                .findFirst()
                .orElseThrow()
                .pid();
        ProcessHandle.of(pid).orElseThrow().destroyForcibly();
        Awaitility.await().until(
                () -> node.engine().sandboxes().get(CALLER, made.id()).state() == SandboxState.STOPPED);
        assertThat(node.engine().sandboxes().get(CALLER, made.id()).failure()).isPresent();
        Sandbox started = node.engine().sandboxes().start(CALLER, made.id());
        assertThat(started.failure()).isEmpty();
        assertThat(node.sh(made.id(), "cat /root/file")).isEqualTo("kept");
        delete(made.id());
    }

    @Test
    void aBurstOfCreatesSucceeds() {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<CompletableFuture<SandboxId>> burst = IntStream.range(0, 40)
                    .mapToObj(i -> CompletableFuture.supplyAsync(() -> {
                        Sandbox made = node.create(isolation);
                        assertThat(node.sh(made.id(), "echo " + i)).isEqualTo("" + i);
                        return made.id();
                    }, threads))
                    .toList();
            burst.forEach(made -> delete(made.join()));
        }
    }

    private static Sandbox create(CreateSandbox.Builder spec) {
        return node.engine().sandboxes().create(CALLER, spec.build());
    }

    private static void delete(SandboxId id) {
        node.engine().sandboxes().delete(CALLER, id);
    }
}
