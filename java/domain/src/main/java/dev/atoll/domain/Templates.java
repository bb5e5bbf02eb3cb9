package dev.atoll.domain;

import java.util.List;

/** The templates of a node. */
public interface Templates {
    List<Template> list(Caller caller);

    /** @param reference an id or a name; @throws NotFoundException */
    Template get(Caller caller, String reference);

    /** Makes a template of a snapshot: its disk becomes a read-only layer over the snapshot's own. */
    Template fromSnapshot(Caller caller, SnapshotId snapshot, String name);

    /** @throws ConflictException while sandboxes or snapshots stand on it */
    void delete(Caller caller, TemplateId id);
}
