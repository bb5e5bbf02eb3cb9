package dev.atoll.engine;

import dev.atoll.domain.ImageException;
import dev.atoll.domain.LayerId;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Snapshot;
import dev.atoll.domain.Source;
import dev.atoll.domain.Template;
import dev.atoll.domain.TemplateId;
import dev.atoll.image.registry.ImageReference;
import dev.atoll.warden.DiskSource;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds what a create or a build starts from. Templates and images that are here are found in memory, so
 * that they cost a create nothing; snapshots are looked up in the database. What is not on this node, an
 * archived snapshot or an image, is had first, which blocks for as long as that takes. Safe from any thread.
 */
final class SourceResolver {
    private static final Logger LOG = LoggerFactory.getLogger(SourceResolver.class);

    private final TemplateCatalog templates;
    private final SnapshotService snapshots;
    private final ImageAliases aliases;
    private final Optional<Images> images;
    private final UnreachableRegistries away;

    SourceResolver(
            TemplateCatalog templates,
            SnapshotService snapshots,
            ImageAliases aliases,
            Optional<Images> images,
            UnreachableRegistries away) {
        this.templates = templates;
        this.snapshots = snapshots;
        this.aliases = aliases;
        this.images = images;
        this.away = away;
    }

    /**
     * A source found.
     *
     * @param templateName as the caller wrote it
     * @param alias the pattern that led there, when one did
     * @param snapshot of which the disk is to be a clone
     * @param memory of the snapshot, to go on from
     */
    record Resolved(
            TemplateId template,
            String templateName,
            Optional<String> alias,
            List<LayerId> layers,
            Template.Config config,
            Optional<Snapshot> snapshot,
            Optional<Snapshot.Memory> memory) {
        /** What a sandbox begins with. @param bytes of a fresh disk */
        DiskSource start(long bytes) {
            return memory.isPresent()
                    ? new DiskSource.OfMemory(snapshot.orElseThrow().id().value())
                    : disk(bytes);
        }

        /** The disk alone. @param bytes of a fresh one; a clone has its snapshot's size */
        DiskSource disk(long bytes) {
            return snapshot.<DiskSource>map(s -> new DiskSource.OfSnapshot(s.id()))
                    .orElseGet(() -> new DiskSource.Fresh(bytes));
        }
    }

    /** What is told, in pieces of text, while an image is had, and when to wait no longer. */
    record Waiting(Consumer<byte[]> log, BooleanSupplier cancelled) {
        static final Waiting SILENTLY = new Waiting(piece -> {}, () -> false);
    }

    Resolved resolve(ProjectId project, Source source) {
        return resolve(project, source, Waiting.SILENTLY);
    }

    /**
     * @throws NotFoundException naming the aliases there are when the source is an image nobody knows
     * @throws ImageException when it cannot be had from its registry
     */
    Resolved resolve(ProjectId project, Source source, Waiting waiting) {
        return find(project, source).orElseGet(() -> pulled(project, reference(source), waiting));
    }

    /**
     * What is here already; empty when it has to be had from a registry.
     *
     * @throws NotFoundException when it is nowhere
     */
    Optional<Resolved> find(ProjectId project, Source source) {
        return switch (source) {
            case Source.OfTemplate template -> Optional.of(ofTemplate(
                    templates.find(project, template.reference())
                            .orElseThrow(() -> new NotFoundException("template", template.reference())),
                    template.reference(), Optional.empty()));
            case Source.OfSnapshot snapshot -> Optional.of(ofSnapshot(project, snapshot));
            case Source.OfImage _, Source.OfDockerfile _ -> image(project, reference(source));
        };
    }

    private static String reference(Source source) {
        return switch (source) {
            case Source.OfImage image -> image.reference();
            case Source.OfDockerfile dockerfile -> DockerfileSource.image(dockerfile.text());
            case Source.OfTemplate template -> template.reference();
            case Source.OfSnapshot snapshot -> snapshot.reference();
        };
    }

    private Optional<Resolved> image(ProjectId project, String reference) {
        Optional<EngineConfig.Alias> alias = aliases.find(reference);
        if (alias.isPresent() && alias.get().prefer() == EngineConfig.Prefer.ALIAS || images.isEmpty()) {
            return Optional.of(ofAlias(project, reference, alias));
        }
        Optional<Template> named = alias.isPresent() ? Optional.empty() : templates.find(project, reference);
        if (named.isPresent()) {
            return Optional.of(ofTemplate(named.get(), reference, Optional.empty()));
        }
        ImageReference image = ImageReference.parse(reference);
        Optional<Template> here = images.get().find(project, image);
        if (here.isPresent()) {
            return Optional.of(ofTemplate(here.get(), reference, Optional.empty()));
        }
        return alias.isPresent() && away.contains(image.registry())
                ? Optional.of(ofAlias(project, reference, alias))
                : Optional.empty();
    }

    /** Asks the registry, whatever is here. */
    Resolved pullAnew(ProjectId project, String reference) {
        if (images.isEmpty()) {
            throw unknownImage(reference, aliases.find(reference));
        }
        return pulled(project, reference, Waiting.SILENTLY);
    }

    private Resolved pulled(ProjectId project, String reference, Waiting waiting) {
        Optional<EngineConfig.Alias> alias = aliases.find(reference);
        ImageReference image = ImageReference.parse(reference);
        try {
            Template template = images.orElseThrow().pull(project, image, waiting.log(), waiting.cancelled());
            return ofTemplate(template, reference, Optional.empty());
        } catch (ImageException e) {
            if (alias.isEmpty() || e.reason() != ImageException.Reason.UNREACHABLE) {
                throw e;
            }
            away.add(image.registry());
            LOG.info("image {}: {}", reference, e.getMessage());
            return ofAlias(project, reference, alias);
        }
    }

    private Resolved ofAlias(ProjectId project, String reference, Optional<EngineConfig.Alias> alias) {
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
                template.id(), writtenAs, alias, template.layers(), template.config(), Optional.empty(),
                Optional.empty());
    }

    private Resolved ofSnapshot(ProjectId project, Source.OfSnapshot source) {
        String reference = source.reference();
        Snapshot snapshot = snapshots.find(project, reference)
                .map(snapshots::inPool)
                .orElseThrow(() -> new NotFoundException("snapshot", reference));
        Optional<Snapshot.Memory> memory = source.diskOnly() ? Optional.empty() : snapshot.memory();
        Template.Config config = memory.map(m -> Template.Config.of(m.env(), m.user(), m.workdir(), List.of(), List.of()))
                .or(() -> templates.find(snapshot.template()).map(Template::config))
                .orElse(Template.Config.EMPTY);
        return new Resolved(
                snapshot.template(), reference, Optional.empty(), snapshot.layers(), config, Optional.of(snapshot),
                memory);
    }
}
