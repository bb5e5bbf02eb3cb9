package dev.atoll.domain;

import java.util.List;

/** The volumes of a node; the rules of {@link Sandboxes} on threads and projects hold here too. */
public interface Volumes {
    /**
     * Makes an empty volume, which any sandbox of the project may mount. Durable when it returns.
     *
     * @param sizeBytes 256 MiB to 1 TiB, rounded up to the next size that disks have
     * @throws ConflictException when the name is taken
     * @throws CapacityException when the pool or the project's quota has no room
     */
    Volume create(Caller caller, String name, long sizeBytes);

    /** @param reference an id or a name */
    Volume get(Caller caller, String reference);

    /** By name. */
    List<Volume> list(Caller caller);

    /**
     * Idempotent.
     *
     * @throws ConflictException while a sandbox, running or not, has it among its volumes
     */
    void delete(Caller caller, VolumeId id);
}
