package dev.atoll.store;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;

/** Table archive. */
final class SqliteArchives implements ArchiveStore {
    private final Writer writer;
    private final Readers readers;

    SqliteArchives(Writer writer, Readers readers) {
        this.writer = writer;
        this.readers = readers;
    }

    @Override
    public void insert(ArchiveRecord a) {
        int unused = writer.write(database -> database.update(
                "INSERT INTO archive (id, subject, size_bytes, data_bytes, new_bytes, created_at, state)"
                        + " VALUES (?, ?, ?, ?, ?, ?, ?)",
                a.id(),
                a.subject(),
                a.sizeBytes(),
                a.dataBytes(),
                a.newBytes(),
                a.createdAt(),
                a.state().name()));
    }

    @Override
    public void update(ArchiveRecord a) {
        int unused = writer.write(database -> database.update(
                "UPDATE archive SET size_bytes = ?, data_bytes = ?, new_bytes = ?, state = ? WHERE id = ?",
                a.sizeBytes(),
                a.dataBytes(),
                a.newBytes(),
                a.state().name(),
                a.id()));
    }

    private static ArchiveRecord record(ResultSet row) throws SQLException {
        return new ArchiveRecord(
                row.getString("id"),
                row.getString("subject"),
                row.getLong("size_bytes"),
                row.getLong("data_bytes"),
                row.getLong("new_bytes"),
                Columns.instant(row, "created_at"),
                MakeState.valueOf(row.getString("state")));
    }

    @Override
    public List<ArchiveRecord> of(String subject) {
        return readers.read(database -> database.query(
                "SELECT * FROM archive WHERE subject = ? ORDER BY sequence", SqliteArchives::record, subject));
    }

    @Override
    public List<ArchiveRecord> all() {
        return readers.read(database -> database.query("SELECT * FROM archive", SqliteArchives::record));
    }

    @Override
    public void delete(String id) {
        int unused = writer.write(database -> database.update("DELETE FROM archive WHERE id = ?", id));
    }
}
