package dev.atoll.tests.bounds;

import static dev.atoll.tests.AtollNode.CALLER;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.Isolation;
import dev.atoll.domain.Resources;
import dev.atoll.domain.SandboxId;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.EachIsolation;
import dev.atoll.tests.Kernel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;

/** Many sandboxes live at once, idle. */
@EachIsolation
class ManySandboxesTest {
    @Parameter
    Isolation isolation = Isolation.CONTAINER;

    /**
     * Of containers more than any table of one byte's worth, a /24 of addresses or 256 loop devices would
     * hold; a node here has 512 slots, and the whole test stays well under a minute. The same tables serve
     * both classes; a sentry costs ten times the memory and the processor.
     */
    private static final Map<Isolation, Integer> COUNT = Map.of(Isolation.CONTAINER, 300, Isolation.GVISOR, 60);
    private static final int AT_ONCE = 8;
    /** A guest that has run one command; promised are 2.5 MiB for all of an idle sandbox. */
    private static final long MOST_GUEST_MEMORY = 2L << 20;
    /** The same of a sentry; promised are 35 MiB. */
    private static final long MOST_SENTRY_MEMORY = 30L << 20;

    @Test
    void allAnswerAndNothingIsLeftOfThem() throws InterruptedException {
        try (AtollNode node = AtollNode.start()) {
            var spec = AtollNode.base(isolation).diskBytes(Optional.of(256 * Resources.MIB)).build();
            int count = Objects.requireNonNull(COUNT.get(isolation));
            List<SandboxId> ids = all(count, () -> node.engine().sandboxes().create(CALLER, spec).id());
            assertThat(node.warden().listAll().live()).hasSize(count);
            each(ids, id -> assertThat(node.sh(id, "hostname")).isEqualTo(node.engine().sandboxes().get(CALLER, id).id().value().substring(0, 12)));
            assertThat(node.warden().listAll().live())
                    .allMatch(live -> switch (isolation) {
                        case GVISOR -> Kernel.sentryMemory(live.pid()) < MOST_SENTRY_MEMORY;
                        default -> Kernel.anonymousMemory(live.pid()) < MOST_GUEST_MEMORY;
                    });
            each(ids, id -> node.engine().sandboxes().delete(CALLER, id));
            assertThat(node.warden().listAll().live()).isEmpty();
            assertThat(node.warden().listAll().disks()).isEmpty();
            assertThat(node.engine().node().audit(false)).isEmpty();
        }
    }

    private static void each(List<SandboxId> ids, Consumer<SandboxId> action) throws InterruptedException {
        var left = ids.iterator();
        all(ids.size(), () -> {
            SandboxId id;
            synchronized (left) {
                id = left.next();
            }
            action.accept(id);
            return id;
        });
    }

    private static <T> List<T> all(int times, Callable<T> task) throws InterruptedException {
        try (var threads = Executors.newFixedThreadPool(AT_ONCE)) {
            var results = new ArrayList<T>();
            for (Future<T> done : threads.invokeAll(Collections.nCopies(times, task))) {
                results.add(done.get());
            }
            return results;
        } catch (ExecutionException e) {
            throw new AssertionError(e.getCause());
        }
    }
}
