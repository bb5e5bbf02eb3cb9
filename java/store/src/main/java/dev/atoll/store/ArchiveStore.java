package dev.atoll.store;

import java.util.List;

/** The archives. */
public interface ArchiveStore {
    void insert(ArchiveRecord record);

    /** Of one that was inserted; id and subject stay. */
    void update(ArchiveRecord record);

    /** In the order in which they were inserted, whatever the clock said. */
    List<ArchiveRecord> of(String subject);

    /** In no order. */
    List<ArchiveRecord> all();

    /** Idempotent. */
    void delete(String id);
}
