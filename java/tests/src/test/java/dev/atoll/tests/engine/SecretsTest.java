package dev.atoll.tests.engine;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.domain.Caller;
import dev.atoll.domain.ConflictException;
import dev.atoll.domain.EnvSource;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.Secret;
import dev.atoll.domain.Secrets.IfTaken;
import dev.atoll.tests.AtollNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Secrets in sandboxes and processes, and where their values are not. */
class SecretsTest {
    private static final String VALUE = "squeamish-ossifrage-7261";
    private static AtollNode node;

    @BeforeAll
    static void start() {
        node = AtollNode.start();
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    @ParameterizedTest
    @EnumSource(value = Isolation.class, names = {"CONTAINER", "GVISOR"})
    void aSandboxHasTheVariablesTheLaterSourceWinsAndItsOwnEnvironmentLast(Isolation isolation) {
        Secret first = node.engine().secrets().createEphemeral(CALLER, Map.of("A", "1", "B", "1", "C", "1"));
        Secret second = node.engine().secrets().createEphemeral(CALLER, Map.of("B", "2"));
        Sandbox sandbox = node.engine().sandboxes().create(
                CALLER,
                AtollNode.base(isolation)
                        .secrets(List.of(
                                new EnvSource.OfSecret(first.id()),
                                new EnvSource.OfSecret(second.id()),
                                new EnvSource.Inline(Map.of("D", "inline"))))
                        .env(Map.of("C", "own"))
                        .build());
        assertThat(node.sh(sandbox.id(), "echo $A $B $C $D")).isEqualTo("1 2 own inline");
        assertThat(sandbox.env()).doesNotContainKeys("A", "B", "D");

        node.restartEngine();
        node.engine().sandboxes().stop(CALLER, sandbox.id(), Duration.ZERO);
        node.engine().sandboxes().start(CALLER, sandbox.id());
        assertThat(node.sh(sandbox.id(), "echo $A $B $C $D")).isEqualTo("1 2 own inline");
        Sandbox fork = node.engine().sandboxes().fork(CALLER, sandbox.id(), List.of(Optional.empty())).getFirst();
        assertThat(node.sh(fork.id(), "echo $A $B $C $D")).isEqualTo("1 2 own inline");
        node.engine().sandboxes().delete(CALLER, fork.id());
        node.engine().sandboxes().delete(CALLER, sandbox.id());
    }

    @ParameterizedTest
    @EnumSource(value = Isolation.class, names = {"CONTAINER", "GVISOR"})
    void aProcessHasTheVariablesAndNoOtherProcessHas(Isolation isolation) {
        Secret secret = node.engine().secrets().create(CALLER, "exec-" + isolation, Map.of("TOKEN", VALUE), IfTaken.REFUSE);
        Sandbox sandbox = node.create(isolation);
        ProcessSpec spec = ProcessSpec.shell("/bin/sh", "echo $TOKEN").withSecrets(List.of(new EnvSource.OfSecret(secret.id())));
        assertThat(AtollNode.text(node.engine().processes().run(CALLER, sandbox.id(), spec, 1024).stdout()).strip())
                .isEqualTo(VALUE);
        assertThat(node.sh(sandbox.id(), "echo $TOKEN")).isEmpty();
        node.engine().sandboxes().delete(CALLER, sandbox.id());
    }

    @Test
    void noFileOfTheEngineHasAValueInClear() throws IOException {
        Secret secret = node.engine().secrets().create(CALLER, "at-rest", Map.of("TOKEN", VALUE), IfTaken.REFUSE);
        Sandbox sandbox = node.engine().sandboxes().create(
                CALLER, AtollNode.base().secrets(List.of(new EnvSource.OfSecret(secret.id()))).build());
        assertThat(node.sh(sandbox.id(), "echo $TOKEN")).isEqualTo(VALUE);
        node.stopEngine();
        try (Stream<Path> files = Files.walk(node.engineState(), 2)) {
            List<Path> own = files.filter(f -> Files.isRegularFile(f) && f.toString().matches(".*(atoll\\.db.*|\\.key)"))
                    .toList();
            assertThat(own).isNotEmpty();
            for (Path file : own) {
                String content = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
                assertThat(content).as(file.toString()).doesNotContain(VALUE);
            }
        }
        node.startEngine();
        node.engine().sandboxes().delete(CALLER, sandbox.id());
    }

    @Test
    void whatANamedCreateDoesWhenTheNameIsTaken() {
        var secrets = node.engine().secrets();
        Secret made = secrets.create(CALLER, "taken", Map.of("A", "1"), IfTaken.REFUSE);
        assertThatThrownBy(() -> secrets.create(CALLER, "taken", Map.of("B", "2"), IfTaken.REFUSE))
                .isInstanceOf(ConflictException.class)
                .hasMessageContaining("taken");
        assertThat(secrets.create(CALLER, "taken", Map.of("B", "2"), IfTaken.KEEP).keys()).containsExactly("A");
        Secret replaced = secrets.create(CALLER, "taken", Map.of("B", "2"), IfTaken.REPLACE);
        assertThat(replaced.id()).isEqualTo(made.id());
        assertThat(replaced.keys()).containsExactly("B");
        assertThat(secrets.update(CALLER, made.id(), Map.of("C", "3"), Set.of("B")).keys()).containsExactly("C");
        assertThat(secrets.get(CALLER, "taken").id()).isEqualTo(made.id());
        assertThat(secrets.list(CALLER)).extracting(Secret::id).contains(made.id());
        secrets.delete(CALLER, made.id());
        secrets.delete(CALLER, made.id());
        assertThatThrownBy(() -> secrets.get(CALLER, "taken")).isInstanceOf(NotFoundException.class);
    }

    @Test
    void anotherProjectsSecretDoesNotExist() {
        var other = new Caller(new ProjectId("other"), "k", false);
        Secret theirs = node.engine().secrets().createEphemeral(other, Map.of("A", "1"));
        assertThatThrownBy(() -> node.engine().secrets().get(CALLER, theirs.id().value()))
                .isInstanceOf(NotFoundException.class);
        assertThatThrownBy(() -> node.engine().sandboxes().create(
                        CALLER, AtollNode.base().secrets(List.of(new EnvSource.OfSecret(theirs.id()))).build()))
                .isInstanceOf(NotFoundException.class)
                .hasMessageContaining(theirs.id().value());
    }

    @Test
    void anEphemeralOneIsForgottenSevenDaysAfterItsLastUse() {
        Secret secret = node.engine().secrets().createEphemeral(CALLER, Map.of("A", "1"));
        node.clock().advance(Duration.ofDays(6));
        Sandbox sandbox = node.engine().sandboxes().create(
                CALLER, AtollNode.base().secrets(List.of(new EnvSource.OfSecret(secret.id()))).build());
        node.engine().sandboxes().delete(CALLER, sandbox.id());
        node.clock().advance(Duration.ofDays(6));
        assertThat(node.engine().secrets().get(CALLER, secret.id().value()).keys()).containsExactly("A");
        node.clock().advance(Duration.ofDays(1));
        assertThatThrownBy(() -> node.engine().secrets().get(CALLER, secret.id().value()))
                .isInstanceOf(NotFoundException.class);
    }
}
