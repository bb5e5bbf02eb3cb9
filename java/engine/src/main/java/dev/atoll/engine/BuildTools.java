package dev.atoll.engine;

import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Resources;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.TemplateId;
import java.time.Clock;
import java.util.List;

/** What every build works with; one for all of them. */
record BuildTools(
        OwnerTools owners, BuildCache cache, TemplateCatalog catalog, TransientSandboxes listed, Ids ids) {
    Clock clock() {
        return owners.clock();
    }

    KillPoints killPoints() {
        return owners.killPoints();
    }

    /** A sandbox on nothing, for the layers of an image. */
    BuildSandbox sandbox(ProjectId project, TemplateId template, Resources resources) {
        return new BuildSandbox(owners, listed, new SandboxId(ids.next()), project, template, resources, List.of());
    }

    /** A sandbox for the steps of one build, not booted yet. */
    BuildSandbox sandbox(BuildRun.Order order) {
        return new BuildSandbox(
                owners, listed, new SandboxId(ids.next()), order.project(), order.base().template(),
                order.resources(), order.base().layers());
    }
}
