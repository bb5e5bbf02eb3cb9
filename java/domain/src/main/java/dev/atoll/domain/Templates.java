package dev.atoll.domain;

import java.util.List;

/** The templates of a node. */
public interface Templates {
    List<Template> list(Caller caller);

    /** @param reference an id or a name; @throws NotFoundException */
    Template get(Caller caller, String reference);

    /** Makes a template of a snapshot: its disk becomes a read-only layer over the snapshot's own. */
    Template fromSnapshot(Caller caller, SnapshotId snapshot, String name);

    /**
     * The template of an image, which is had from its registry when it is not here yet; waits for that.
     *
     * @param anew ask the registry in any case: when it has another image by now, that becomes the
     *     template of this reference, and the one before keeps its id
     * @throws ImageException when it cannot be had
     */
    Template ofImage(Caller caller, String reference, boolean anew);

    /** @throws ConflictException while sandboxes or snapshots stand on it */
    void delete(Caller caller, TemplateId id);
}
