package dev.atoll.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.BuildStatus;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.TemplateId;
import dev.atoll.domain.UnavailableException;
import dev.atoll.image.registry.ImageReference;
import dev.atoll.image.registry.Registries;
import dev.atoll.image.registry.RegistrySettings;
import dev.atoll.store.SqliteStore;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Builds and pulls end for whoever waits, whatever happens to them. */
@Timeout(30)
@SuppressWarnings("NullAway") // They end before they need most of their tools.
class BuildEndsTest {
    private static final ProjectId PROJECT = new ProjectId("project");

    @TempDir
    private Path directory;

    private static BuildTools tools(Clock clock) {
        var owners = new OwnerTools(
                null, clock, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null);
        return new BuildTools(owners, null, null, null, null);
    }

    @Test
    void aPullThatEndsByAnErrorOfTheMachineHasEnded() throws IOException {
        var overflows = new Clock() {
            @Override
            public Instant instant() {
                throw new StackOverflowError("as of a long text");
            }

            @Override
            public ZoneId getZone() {
                return ZoneOffset.UTC;
            }

            @Override
            public Clock withZone(ZoneId zone) {
                return this;
            }
        };
        try (var nobody = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String host = "127.0.0.1:" + nobody.getLocalPort();
            var settings = new RegistrySettings(
                    List.of(new RegistrySettings.Registry(host, true, Optional.empty(), Optional.empty())), Optional.empty(), false,
                    Duration.ofSeconds(1), Duration.ofSeconds(1), 1, 1 << 20);
            try (var registries = new Registries(settings, directory, overflows)) {
                var pull = new ImagePull(PROJECT, ImageReference.parse(host + "/image"), tools(overflows), registries);
                pull.run();
                assertThat(pull.ended()).isCompletedExceptionally();
                assertThat(pull.log().read(0, Duration.ZERO).ended()).isTrue();
            }
        }
    }

    @Test
    void aBuildThatEndsByAnErrorOfTheMachineHasFailed() {
        var ticket = new BuildRun.Ticket(new TemplateId("0".repeat(32)), PROJECT, Optional.empty(), "request", false);
        var run = new BuildRun(ticket, Optional.empty(), tools(Clock.systemUTC()));
        var turns = new Semaphore(1);
        run.run(turns, waiting -> {
            throw new StackOverflowError("as of a long text");
        });
        assertThat(run.hasEnded()).isTrue();
        assertThat(run.view().status()).isEqualTo(BuildStatus.FAILED);
        assertThat(turns.availablePermits()).isEqualTo(1);
    }

    @Test
    void aStepThatWasDroppedUnderItsBuildIsAskedForAgain() {
        try (var store = SqliteStore.open(directory.resolve("db"))) {
            var cache = new BuildCache(store.buildSteps(), null, new MakingGate(), null, Clock.systemUTC());
            assertThatThrownBy(() -> cache.layerOf("dropped", () -> {}))
                    .isInstanceOf(UnavailableException.class)
                    .hasMessageContaining("try again");
        }
    }
}
