package dev.atoll.engine;

import dev.atoll.domain.LayerId;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Snapshot;
import dev.atoll.domain.Source;
import dev.atoll.domain.Template;
import dev.atoll.domain.TemplateId;
import dev.atoll.warden.DiskSource;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Finds what a create asks to start from; reads memory only, so that it costs the create nothing. */
final class SourceResolver {
    private static final Logger LOG = LoggerFactory.getLogger(SourceResolver.class);

    private final TemplateCatalog templates;
    private final SnapshotService snapshots;
    private final ImageAliases aliases;

    SourceResolver(TemplateCatalog templates, SnapshotService snapshots, ImageAliases aliases) {
        this.templates = templates;
        this.snapshots = snapshots;
        this.aliases = aliases;
    }

    /**
     * A source found.
     *
     * @param templateName as the caller wrote it
     * @param alias the pattern that led there, when one did
     * @param snapshot of which the disk is to be a clone
     */
    record Resolved(
            TemplateId template,
            String templateName,
            Optional<String> alias,
            List<LayerId> layers,
            Template.Config config,
            Optional<Snapshot> snapshot) {
        /** @param bytes of a fresh disk; a clone has its snapshot's size */
        DiskSource disk(long bytes) {
            return snapshot.<DiskSource>map(s -> new DiskSource.OfSnapshot(s.id()))
                    .orElseGet(() -> new DiskSource.Fresh(bytes));
        }
    }

    /** @throws NotFoundException naming the aliases there are when the source is an image nobody knows */
    Resolved resolve(ProjectId project, Source source) {
        return switch (source) {
            case Source.OfTemplate template -> ofTemplate(
                    templates.find(project, template.reference())
                            .orElseThrow(() -> new NotFoundException("template", template.reference())),
                    template.reference(), Optional.empty());
            case Source.OfImage image -> ofImage(project, image.reference());
            case Source.OfDockerfile dockerfile -> ofImage(project, DockerfileSource.image(dockerfile.text()));
            case Source.OfSnapshot snapshot -> ofSnapshot(project, snapshot.reference());
        };
    }

    private Resolved ofImage(ProjectId project, String reference) {
        Optional<EngineConfig.Alias> alias = aliases.find(reference);
        String name = alias.map(EngineConfig.Alias::template).orElse(reference);
        Template template = templates.find(project, name).orElseThrow(() -> unknownImage(reference, alias));
        alias.ifPresent(a -> LOG.info("image {} stands for template {} by alias {}", reference, name, a.pattern()));
        return ofTemplate(template, reference, alias.map(EngineConfig.Alias::pattern));
    }

    private NotFoundException unknownImage(String reference, Optional<EngineConfig.Alias> alias) {
        String hint = alias.map(a -> "images.alias '" + a.pattern() + "' leads to template '" + a.template()
                        + "', which is not there")
                .orElseGet(() -> "no registry is reached from here, and these aliases lead to templates: "
                        + String.join(", ", aliases.patterns()));
        return new NotFoundException("image", reference, hint);
    }

    private static Resolved ofTemplate(Template template, String writtenAs, Optional<String> alias) {
        return new Resolved(
                template.id(), writtenAs, alias, template.layers(), template.config(), Optional.empty());
    }

    private Resolved ofSnapshot(ProjectId project, String reference) {
        Snapshot snapshot = snapshots.find(project, reference)
                .orElseThrow(() -> new NotFoundException("snapshot", reference));
        Template.Config config = templates.find(snapshot.template()).map(Template::config).orElse(Template.Config.EMPTY);
        return new Resolved(
                snapshot.template(), reference, Optional.empty(), snapshot.layers(), config, Optional.of(snapshot));
    }
}
