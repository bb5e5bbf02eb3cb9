package dev.atoll.tests.engine;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.Caller;
import dev.atoll.domain.CapacityException;
import dev.atoll.domain.CapacityException.What;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Resources;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxChange;
import dev.atoll.domain.SandboxQuery;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.Volume;
import dev.atoll.engine.Quotas;
import dev.atoll.engine.Quotas.Quota;
import dev.atoll.tests.AtollNode;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class QuotaTest {
    private static final Caller OPERATOR = new Caller(ProjectId.DEFAULT, "operator", true);
    private static final ProjectId BUSY = new ProjectId("busy");
    private static final Caller FREE = new Caller(new ProjectId("free"), "test", false);

    private static AtollNode node;

    /** A sandbox here has 1 CPU, 512 MiB of memory and a disk of 2 GiB. */
    @BeforeAll
    static void start() {
        var quota = new Quota(
                Optional.of(3), Optional.of(2000L), Optional.of(Resources.GIB), Optional.of(6 * Resources.GIB),
                Optional.empty());
        var busy = new Quota(
                Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.of(2));
        node = AtollNode.start(config ->
                config.withQuotas(new Quotas(quota, Map.of(FREE.project(), Quota.NONE, BUSY, busy))));
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    @AfterEach
    void deleteAll() {
        for (Caller caller : List.of(CALLER, FREE)) {
            for (Sandbox sandbox : node.engine().sandboxes().list(caller, SandboxQuery.ALL).items()) {
                node.engine().sandboxes().delete(caller, sandbox.id());
            }
        }
    }

    @Test
    void whatRunsIsBoundedAndWhatStoppedMayWait() {
        Sandbox first = node.create();
        Sandbox second = node.create();
        assertRefused("thousandths of a CPU", node::create);
        node.engine().sandboxes().stop(CALLER, first.id(), Duration.ZERO);
        Sandbox third = node.create();
        assertRefused("sandboxes", node::create);
        assertRefused("CPU", () -> node.engine().sandboxes().start(CALLER, first.id()));
        assertThat(node.engine().sandboxes().get(CALLER, first.id()).state()).isEqualTo(SandboxState.STOPPED);
        node.engine().sandboxes().delete(CALLER, second.id());
        assertThat(node.engine().sandboxes().start(CALLER, first.id()).state()).isEqualTo(SandboxState.RUNNING);
        assertRefused("memory", () -> node.engine().sandboxes().update(
                CALLER, third.id(), SandboxChange.NOTHING.withLimits(Optional.of(1000), Optional.of(Resources.GIB))));
        node.engine().sandboxes().update(
                CALLER, third.id(), SandboxChange.NOTHING.withLimits(Optional.of(500), Optional.of(256 * Resources.MIB)));
        assertRefused("CPU", () -> node.engine().sandboxes().fork(
                CALLER, first.id(), List.of(Optional.empty())));
    }

    @Test
    void disksOfArchivedSandboxesDoNotCountAndVolumesDo() {
        Sandbox sandbox = node.create();
        Volume volume = node.engine().volumes().create(CALLER, "big", 4 * Resources.GIB);
        assertRefused("bytes of disks", node::create);
        assertRefused("bytes of disks", () -> node.engine().volumes().create(CALLER, "more", 256 * Resources.MIB));
        node.engine().sandboxes().stop(CALLER, sandbox.id(), Duration.ZERO);
        node.engine().sandboxes().archive(CALLER, sandbox.id());
        Sandbox other = node.create();
        assertRefused("bytes of disks", () -> node.engine().sandboxes().start(CALLER, sandbox.id()));
        assertThat(node.engine().sandboxes().get(CALLER, sandbox.id()).state()).isEqualTo(SandboxState.ARCHIVED);
        node.engine().sandboxes().delete(CALLER, other.id());
        assertThat(node.engine().sandboxes().start(CALLER, sandbox.id()).state()).isEqualTo(SandboxState.RUNNING);
        node.engine().volumes().delete(CALLER, volume.id());
    }

    @Test
    void ofManyCreatesAtOnceAsManySucceedAsFit() throws Exception {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var creates = new ArrayList<Future<Sandbox>>();
            Collections.nCopies(8, 0).forEach(i -> creates.add(threads.submit(() -> node.create())));
            int made = 0;
            for (Future<Sandbox> create : creates) {
                try {
                    create.get();
                    made++;
                } catch (java.util.concurrent.ExecutionException e) {
                    assertThat(e.getCause()).isInstanceOf(CapacityException.class);
                }
            }
            assertThat(made).isEqualTo(2);
        }
        assertThat(node.engine().sandboxes().list(CALLER, SandboxQuery.ALL).items()).hasSize(2);
    }

    @Test
    void anotherProjectsQuotaIsItsOwn() {
        for (int i = 0; i < 4; i++) {
            var unused = node.engine().sandboxes().create(FREE, AtollNode.base().build());
        }
        node.create();
    }

    @Test
    void requestsOfAKeyAreCountedByProject() {
        String secret = node.engine().keys().create(OPERATOR, BUSY, "one").secret();
        String other = node.engine().keys().create(OPERATOR, BUSY, "two").secret();
        String free = node.engine().keys().create(OPERATOR, FREE.project(), "free").secret();
        assertThat(node.engine().keys().authenticate(secret)).isPresent();
        assertThat(node.engine().keys().authenticate(other)).isPresent();
        assertThatThrownBy(() -> {
                    for (int i = 0; i < 100; i++) {
                        node.engine().keys().authenticate(secret);
                    }
                })
                .isInstanceOfSatisfying(CapacityException.class, e -> assertThat(e.what()).isEqualTo(What.RATE));
        assertThat(node.engine().keys().authenticate(free)).isPresent();
        node.clock().advance(Duration.ofSeconds(1));
        assertThat(node.engine().keys().authenticate(other)).isPresent();
    }

    @Test
    void whatAProjectUsedIsReportedByDay() {
        Sandbox sandbox = node.create();
        node.sh(sandbox.id(), "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done");
        node.clock().advance(Duration.ofSeconds(10));
        LocalDate today = LocalDate.ofInstant(node.clock().instant(), ZoneOffset.UTC);
        var own = node.engine().node().usageByDay(CALLER, today.minusDays(1), today);
        assertThat(own).isNotEmpty().allSatisfy(day -> assertThat(day.project()).isEqualTo(CALLER.project()));
        assertThat(own.getLast().cpuSeconds()).isPositive();
        assertThat(own.getLast().memoryByteSeconds()).isPositive();
        assertThat(node.engine().node().usageByDay(FREE, today.plusDays(1), today.plusDays(2))).isEmpty();
        assertThat(node.engine().node().usageByDay(OPERATOR, today.minusDays(1), today))
                .extracting(day -> day.project())
                .contains(CALLER.project());
        assertThatThrownBy(() -> node.engine().node().usageByDay(CALLER, today, today.minusDays(1)))
                .hasMessageContaining("from");
    }

    private static void assertRefused(String what, ThrowingCallable call) {
        int before = node.engine().sandboxes().list(CALLER, SandboxQuery.ALL).items().size();
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(CapacityException.class, e -> assertThat(e.what()).isEqualTo(What.QUOTA))
                .hasMessageContaining(what);
        assertThat(node.engine().sandboxes().list(CALLER, SandboxQuery.ALL).items()).hasSize(before);
    }
}
