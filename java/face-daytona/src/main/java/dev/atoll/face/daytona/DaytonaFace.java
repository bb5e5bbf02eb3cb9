package dev.atoll.face.daytona;

import dev.atoll.domain.Files;
import dev.atoll.domain.Keys;
import dev.atoll.domain.Node;
import dev.atoll.domain.Ports;
import dev.atoll.domain.Processes;
import dev.atoll.domain.Sandboxes;
import dev.atoll.domain.Snapshots;
import dev.atoll.domain.Templates;
import dev.atoll.http.ErrorMapper;
import dev.atoll.http.Router;
import java.time.Clock;

/**
 * The Daytona API ({@code /api}) and its toolbox ({@code /toolbox/{sandbox}}), for one listener.
 *
 * @param router answers every request
 * @param errors turns exceptions into the vendor's errors
 */
public record DaytonaFace(Router router, ErrorMapper errors) {

    /** The parts of the domain that this face translates to. */
    public record Domain(
            Sandboxes sandboxes,
            Processes processes,
            Files files,
            Ports ports,
            Snapshots snapshots,
            Templates templates,
            Keys keys,
            Node node) {}

    public static DaytonaFace of(DaytonaConfig config, Domain domain, Clock clock) {
        PublicUrls urls = new PublicUrls(config.publicUrl());
        VendorErrors errors = new VendorErrors(clock);
        SandboxReferences references = new SandboxReferences(domain.sandboxes());
        Toolbox toolbox = new Toolbox(references);
        Router.Builder router = Router.builder();
        new ServerRoutes(config, domain.node(), urls).addTo(router);
        router.filter(new Authentication(domain.keys()));
        new ListRoutes(domain.sandboxes(), urls).addTo(router);
        SnapshotReferences snapshots = new SnapshotReferences(domain.templates(), domain.snapshots());
        CreateTranslation translation = new CreateTranslation(config, snapshots);
        new SandboxRoutes(domain.sandboxes(), domain.snapshots(), translation, references, urls).addTo(router);
        new SnapshotRoutes(domain.templates(), domain.snapshots(), snapshots).addTo(router);
        new ProcessRoutes(domain.processes(), domain.ports(), toolbox, new ExecAnswer(config.execTimeoutStyle()))
                .addTo(router);
        new FileRoutes(domain.files(), toolbox).addTo(router);
        new ContentRoutes(domain.files(), toolbox, errors).addTo(router);
        new InfoRoutes(domain.processes(), domain.node(), toolbox).addTo(router);
        new NotOffered().addTo(router);
        return new DaytonaFace(router.build(), errors);
    }
}
