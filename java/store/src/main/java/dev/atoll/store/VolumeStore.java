package dev.atoll.store;

import dev.atoll.domain.ConflictException;
import dev.atoll.domain.VolumeId;
import java.util.List;

/** The volumes. */
public interface VolumeStore {
    /** @throws ConflictException when one of the project has the name */
    void insert(VolumeRecord record);

    /** Of one that was inserted; its name and project stay. */
    void update(VolumeRecord record);

    /** By name. */
    List<VolumeRecord> all();

    /** Idempotent. */
    void delete(VolumeId id);
}
