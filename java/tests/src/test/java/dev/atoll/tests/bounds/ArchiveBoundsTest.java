package dev.atoll.tests.bounds;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxState;
import dev.atoll.tests.AtollNode;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** The engine of this JVM has 256 MiB, as a server has. */
class ArchiveBoundsTest {
    @Test
    void aDiskLargerThanTheHeapIsArchivedAndRestored() {
        assertThat(Runtime.getRuntime().maxMemory()).isLessThan(512L << 20);
        try (var node = AtollNode.start()) {
            Sandbox sandbox = node.create();
            String sum = node.sh(sandbox.id(), "head -c 600M /dev/urandom | tee /root/random | sha256sum; sync");
            node.engine().sandboxes().stop(CALLER, sandbox.id(), Duration.ZERO);
            assertThat(node.engine().sandboxes().archive(CALLER, sandbox.id()).state()).isEqualTo(SandboxState.ARCHIVED);
            node.engine().sandboxes().start(CALLER, sandbox.id());
            assertThat(node.sh(sandbox.id(), "sha256sum < /root/random")).isEqualTo(sum);
            node.engine().sandboxes().delete(CALLER, sandbox.id());
        }
    }
}
