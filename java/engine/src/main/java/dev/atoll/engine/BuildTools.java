package dev.atoll.engine;

import dev.atoll.domain.LayerId;
import dev.atoll.domain.NetworkPolicy;
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

    /** A sandbox for the steps of a build, not booted yet. @param layers below its disk, lowest first; none = it begins with nothing */
    BuildSandbox sandbox(ProjectId project, TemplateId template, Resources resources, List<LayerId> layers) {
        return sandbox(project, template, resources, layers, NetworkPolicy.OPEN);
    }

    /** One that runs nothing but its guest, which packs and unpacks: without network. */
    BuildSandbox sandboxOfFiles(ProjectId project, TemplateId template, Resources resources, List<LayerId> layers) {
        return sandbox(project, template, resources, layers, NetworkPolicy.NONE);
    }

    private BuildSandbox sandbox(
            ProjectId project, TemplateId template, Resources resources, List<LayerId> layers, NetworkPolicy network) {
        return new BuildSandbox(
                owners, listed, new SandboxId(ids.next()), project, template, resources, layers, network);
    }
}
