package dev.atoll.tests.engine;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.Caller;
import dev.atoll.domain.ForbiddenException;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.Node.IsolationCapability;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.Usage;
import dev.atoll.tests.AtollNode;
import java.time.Duration;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class NodeTest {
    private static final Caller OPERATOR = new Caller(ProjectId.DEFAULT, "operator", true);

    private AtollNode node;

    @BeforeEach
    void start() {
        node = AtollNode.start();
    }

    @AfterEach
    void stop() {
        node.close();
    }

    @Test
    void saysWhatItCanDoAndWhyNotTheRest() {
        assertThat(node.engine().node().capabilities().isolations())
                .filteredOn(IsolationCapability::available)
                .extracting(IsolationCapability::isolation)
                .contains(Isolation.CONTAINER)
                .doesNotContain(Isolation.MICROVM);
        assertThat(node.engine().node().capabilities().isolations())
                .filteredOn(capability -> !capability.available())
                .allMatch(capability -> capability.reason().isPresent());
        assertThat(node.engine().node().doctor()).isNotEmpty();
        assertThat(node.engine().node().pool().totalBytes()).isPositive();
    }

    @Test
    void isUnhealthyWhileTheWardenIsAway() {
        Awaitility.await().until(() -> node.engine().node().health().warmSlots() == 2);
        assertThat(node.engine().node().health().healthy()).isTrue();
        node.killWarden();
        assertThat(node.engine().node().health().warden()).isFalse();
        node.startWarden();
        assertThat(node.engine().node().health().healthy()).isTrue();
    }

    @ParameterizedTest
    @EnumSource(value = Isolation.class, names = {"CONTAINER", "GVISOR"})
    void usageGrowsOverStopsAndRestartsOfTheEngine(Isolation isolation) {
        Sandbox made = node.create(isolation);
        burn(made);
        double first = cpuSeconds(made);
        assertThat(first).isPositive();
        node.engine().sandboxes().stop(CALLER, made.id(), Duration.ZERO);
        double stopped = cpuSeconds(made);
        assertThat(stopped).isGreaterThanOrEqualTo(first);
        node.engine().sandboxes().start(CALLER, made.id());
        burn(made);
        double second = cpuSeconds(made);
        assertThat(second).isGreaterThan(stopped);
        node.stopEngine();
        node.startEngine();
        double adopted = cpuSeconds(made);
        assertThat(adopted).as("nothing is counted twice").isBetween(second, second + 0.5 * (second - stopped));
    }

    @Test
    void onlyAnOperatorPrunesAndExpiredSnapshotsGo() {
        Sandbox made = node.create();
        node.sh(made.id(), "head -c 5000000 /dev/urandom > /root/file");
        node.engine().snapshots().create(CALLER, made.id(), Optional.empty(), Optional.of(Duration.ofDays(1)));
        assertThatThrownBy(() -> node.engine().node().prune(CALLER)).isInstanceOf(ForbiddenException.class);
        node.stopEngine();
        node.clock().advance(Duration.ofDays(2));
        node.startEngine();
        node.engine().node().prune(OPERATOR);
        assertThat(node.engine().snapshots().list(CALLER)).isEmpty();
        assertThat(node.warden().listAll().snapshots()).isEmpty();
    }

    private void burn(Sandbox sandbox) {
        node.sh(sandbox.id(), "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done");
    }

    private double cpuSeconds(Sandbox sandbox) {
        return node.engine().node().usage(CALLER, Optional.of(sandbox.id())).stream()
                .mapToDouble(Usage::cpuSeconds)
                .sum();
    }
}
