package dev.atoll.tests.images;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.CreateSandbox;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.Source;
import dev.atoll.image.registry.RegistrySettings;
import dev.atoll.image.registry.RegistrySettings.Registry;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.EachIsolation;
import dev.atoll.tests.Inside;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;

/** Sandboxes of images in a registry. */
@EachIsolation
class ImagesTest {
    private static RegistryProcess registry;
    private static AtollNode node;

    @Parameter
    private Isolation isolation = Isolation.CONTAINER;

    @BeforeAll
    static void start() {
        registry = RegistryProcess.start();
        var settings = new RegistrySettings(
                List.of(new Registry(registry.host(), true, Optional.empty(), Optional.empty())), Optional.empty(), true,
                Duration.ofSeconds(5), Duration.ofSeconds(20), 4, 1L << 30);
        node = AtollNode.start(config -> config.withRegistries(Optional.of(settings)));
    }

    @AfterAll
    static void stop() {
        node.close();
        registry.close();
    }

    @Test
    void whatTheImageSaysIsInItsSandboxes() {
        TestImage.withShell()
                .config("Env", List.of("GREETING=hello there", "PATH=/bin"))
                .config("User", "app")
                .config("WorkingDir", "/srv")
                .config("Entrypoint", List.of("/bin/sh", "-c"))
                .config("Labels", Map.of("a", "b"))
                .push(registry.host(), "plain/app", "1");
        try (Inside in = inside("plain/app:1")) {
            assertThat(in.sh("echo $GREETING; id -un; pwd")).isEqualTo("hello there\napp\n/srv\n");
        }
    }

    private Inside inside(String image) {
        return node.inside(CreateSandbox.from(new Source.OfImage(registry.host() + "/" + image)).isolation(Optional.of(isolation)));
    }
}
