package dev.atoll.engine;

import dev.atoll.domain.Caller;
import dev.atoll.domain.SnapshotId;
import dev.atoll.domain.Source;
import dev.atoll.domain.Template;
import dev.atoll.domain.TemplateId;
import dev.atoll.domain.Templates;
import java.util.List;

/** The faces' view of the catalog, and of images that are not in it yet. */
final class TemplateService implements Templates {
    private final TemplateCatalog catalog;
    private final SourceResolver sources;

    TemplateService(TemplateCatalog catalog, SourceResolver sources) {
        this.catalog = catalog;
        this.sources = sources;
    }

    @Override
    public List<Template> list(Caller caller) {
        return catalog.list(caller);
    }

    @Override
    public Template get(Caller caller, String reference) {
        return catalog.get(caller, reference);
    }

    @Override
    public Template fromSnapshot(Caller caller, SnapshotId snapshot, String name) {
        return catalog.fromSnapshot(caller, snapshot, name);
    }

    @Override
    public Template ofImage(Caller caller, String reference, boolean anew) {
        var found = anew
                ? sources.pullAnew(caller.project(), reference)
                : sources.resolve(caller.project(), new Source.OfImage(reference));
        return catalog.get(caller, found.template().value());
    }

    @Override
    public void delete(Caller caller, TemplateId id) {
        catalog.delete(caller, id);
    }
}
