package dev.atoll.engine;

import dev.atoll.domain.Caller;
import dev.atoll.domain.ConflictException;
import dev.atoll.domain.CreateSandbox;
import dev.atoll.domain.ForbiddenException;
import dev.atoll.domain.LayerId;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Snapshot;
import dev.atoll.domain.SnapshotId;
import dev.atoll.domain.Template;
import dev.atoll.domain.TemplateId;
import dev.atoll.store.MakeState;
import dev.atoll.store.SnapshotRecord;
import dev.atoll.store.SnapshotStore;
import dev.atoll.store.TemplateRecord;
import dev.atoll.store.TemplateStore;
import dev.atoll.warden.Layer;
import dev.atoll.warden.Warden;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What sandboxes can be started from: the base templates that were imported into the pool, each one
 * layer with its configuration, and those made of snapshots. All are kept in memory, a create reads
 * no file. A base template's id is its layer's.
 */
final class TemplateCatalog {
    private static final Logger LOG = LoggerFactory.getLogger(TemplateCatalog.class);

    private final TemplateStore store;
    private final SnapshotStore snapshots;
    private final Warden warden;
    private final MakingGate gate;
    private final SandboxRegistry registry;
    private final NodeFacts facts;
    private final ImageAliases aliases;
    private final LayerCare layers;
    private final Ids ids;
    private final Clock clock;
    private final Map<TemplateId, TemplateRecord> made = new ConcurrentHashMap<>();
    private final ReentrantLock naming = new ReentrantLock();
    private volatile Map<TemplateId, Template> imported = Map.of();

    TemplateCatalog(
            TemplateStore store,
            SnapshotStore snapshots,
            Warden warden,
            MakingGate gate,
            SandboxRegistry registry,
            NodeFacts facts,
            ImageAliases aliases,
            LayerCare layers,
            Ids ids,
            Clock clock) {
        this.store = store;
        this.snapshots = snapshots;
        this.warden = warden;
        this.gate = gate;
        this.registry = registry;
        this.facts = facts;
        this.aliases = aliases;
        this.layers = layers;
        this.ids = ids;
        this.clock = clock;
        readImported();
        for (TemplateRecord record : store.all()) {
            if (record.state() == MakeState.READY) {
                made.put(record.template().id(), record);
            }
        }
    }

    List<Template> list(Caller caller) {
        return visible(caller.project()).toList();
    }

    Template get(Caller caller, String reference) {
        return find(caller.project(), reference).orElseThrow(() -> new NotFoundException("template", reference));
    }

    /** By id, or the project's own of this name, or the base template of this name. */
    Optional<Template> find(ProjectId project, String reference) {
        Optional<Template> known = lookUp(project, reference);
        if (known.isPresent()) {
            return known;
        }
        facts.refresh();
        readImported();
        return lookUp(project, reference);
    }

    Optional<Template> find(TemplateId id) {
        return Optional.ofNullable(made.get(id)).map(TemplateRecord::template).or(() -> Optional.ofNullable(imported.get(id)));
    }

    private Optional<Template> lookUp(ProjectId project, String reference) {
        return visible(project)
                .filter(t -> t.name().equals(reference) || t.id().value().equals(reference))
                .findFirst();
    }

    private Stream<Template> visible(ProjectId project) {
        return Stream.concat(
                made.values().stream()
                        .map(TemplateRecord::template)
                        .filter(t -> t.project().equals(Optional.of(project)))
                        .sorted(Comparator.comparing(Template::name)),
                imported.values().stream());
    }

    Template fromSnapshot(Caller caller, SnapshotId snapshotId, String name) {
        CreateSandbox.checkName(name);
        Snapshot snapshot = snapshots.get(snapshotId)
                .filter(r -> r.state() == MakeState.READY || r.state() == MakeState.ARCHIVED)
                .map(SnapshotRecord::snapshot)
                .filter(s -> s.project().equals(caller.project()))
                .orElseThrow(() -> new NotFoundException("snapshot", snapshotId.value()));
        if (snapshot.archived()) {
            throw new ConflictException(
                    "snapshot " + snapshot.name() + " is archived; creating a sandbox from it brings it back");
        }
        var layer = new LayerId(ids.next());
        var layers = new ArrayList<>(snapshot.layers());
        layers.add(layer);
        Template.Config config = find(snapshot.template()).map(Template::config).orElse(Template.Config.EMPTY);
        Template intended = new Template(
                new TemplateId(ids.next()), name, Optional.of(caller.project()), layers, config, 0, false, List.of(),
                clock.instant());
        store.put(new TemplateRecord(intended, Optional.empty(), MakeState.MAKING));
        try {
            long bytes = gate.make(() -> warden.makeLayer(layer, snapshotId));
            Template ready = new Template(
                    intended.id(), name, intended.project(), layers, config, bytes, false, List.of(),
                    intended.createdAt());
            var record = new TemplateRecord(ready, Optional.empty(), MakeState.READY);
            store.put(record);
            made.put(ready.id(), record);
            return ready;
        } catch (RuntimeException e) {
            forget(intended);
            throw e;
        }
    }

    /** The newest of the project's templates that were built from all that this key names. */
    Optional<Template> built(ProjectId project, String buildKey) {
        return made.values().stream()
                .filter(record -> record.buildKey().equals(Optional.of(buildKey)))
                .map(TemplateRecord::template)
                .filter(template -> template.project().equals(Optional.of(project)))
                .max(Comparator.comparing(Template::createdAt));
    }

    /**
     * Enters a template that was built, or entered before: then nothing changes. Another one that has
     * its name keeps its id and is called by that.
     */
    void enter(Template template, String buildKey) {
        naming.lock();
        try {
            if (made.containsKey(template.id())) {
                return;
            }
            made.values().stream()
                    .filter(r -> r.template().project().equals(template.project()))
                    .filter(r -> r.template().name().equals(template.name()))
                    .findFirst()
                    .ifPresent(this::callByItsId);
            var record = new TemplateRecord(template, Optional.of(buildKey), MakeState.READY);
            store.put(record);
            made.put(template.id(), record);
        } finally {
            naming.unlock();
        }
    }

    private void callByItsId(TemplateRecord record) {
        Template t = record.template();
        var renamed = new TemplateRecord(
                new Template(
                        t.id(), t.id().value(), t.project(), t.layers(), t.config(), t.sizeBytes(), t.builtIn(),
                        t.aliases(), t.createdAt()),
                record.buildKey(), record.state());
        store.put(renamed);
        made.put(t.id(), renamed);
    }

    void delete(Caller caller, TemplateId id) {
        Template template = find(id)
                .filter(t -> t.builtIn() || t.project().equals(Optional.of(caller.project())))
                .orElseThrow(() -> new NotFoundException("template", id.value()));
        if (template.builtIn()) {
            throw new ForbiddenException("template '" + template.name() + "' came with the installation");
        }
        boolean used = registry.all().stream().anyMatch(o -> o.record().sandbox().template().equals(id))
                || snapshots.all().stream().anyMatch(s -> s.snapshot().template().equals(id));
        if (used) {
            throw new ConflictException("template '" + template.name() + "' is in use: sandboxes or snapshots stand on it");
        }
        made.remove(id);
        forget(template);
    }

    /** Removes a template's row, then the layers that nobody else uses; what is left of those goes at the next start. */
    private void forget(Template template) {
        try {
            store.delete(template.id());
            long unused = layers.removeUnused();
        } catch (RuntimeException e) {
            LOG.warn("template {} could not be removed for now: {}", template.id(), e.getMessage());
        }
    }

    /** Finishes what an earlier engine left half-way. */
    void reconcile() {
        readImported();
        for (TemplateRecord record : store.all()) {
            if (record.state() != MakeState.READY) {
                store.delete(record.template().id());
            }
        }
    }

    /** Layers that a template stands on, and those being made. */
    List<LayerId> knownLayers() {
        return Stream.concat(
                        imported.values().stream().flatMap(t -> t.layers().stream()),
                        store.all().stream().flatMap(r -> r.template().layers().stream()))
                .distinct()
                .toList();
    }

    /** Reads the base templates from what the warden last said about the node. */
    void readImported() {
        var next = new LinkedHashMap<TemplateId, Template>();
        for (Layer layer : facts.info().layers()) {
            if (!layer.name().isEmpty()) {
                var id = new TemplateId(layer.id().value());
                next.put(id, templateOf(id, layer));
            }
        }
        imported = next;
    }

    /** When it was made is not kept with a layer. */
    private Template templateOf(TemplateId id, Layer layer) {
        return new Template(
                id, layer.name(), Optional.empty(), List.of(layer.id()),
                TemplateConfig.parse(layer.name(), layer.configJson()), layer.bytes(), true,
                aliases.leadingTo(layer.name()), Instant.EPOCH);
    }
}
