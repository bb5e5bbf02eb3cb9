package dev.atoll.engine;

import dev.atoll.domain.ProjectId;
import dev.atoll.domain.SandboxId;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Sandboxes that the journal does not know because they shall not outlive the engine: those of builds.
 * While they are listed here reconciliation and audits leave them alone; the next engine finds them
 * unknown and removes them. Safe from any thread.
 */
final class TransientSandboxes {
    private final Map<SandboxId, ProjectId> sandboxes = new ConcurrentHashMap<>();

    /** Before anything of it is asked of the warden. */
    void add(SandboxId id, ProjectId project) {
        sandboxes.put(id, project);
    }

    /** After everything of it is gone. */
    void remove(SandboxId id) {
        sandboxes.remove(id);
    }

    Optional<ProjectId> projectOf(SandboxId id) {
        return Optional.ofNullable(sandboxes.get(id));
    }

    Set<SandboxId> all() {
        return Set.copyOf(sandboxes.keySet());
    }
}
