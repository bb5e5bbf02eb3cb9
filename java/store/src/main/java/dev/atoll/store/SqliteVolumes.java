package dev.atoll.store;

import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Volume;
import dev.atoll.domain.VolumeId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;

/** Table volume. */
final class SqliteVolumes implements VolumeStore {
    private final Writer writer;
    private final Readers readers;

    SqliteVolumes(Writer writer, Readers readers) {
        this.writer = writer;
        this.readers = readers;
    }

    @Override
    public void insert(VolumeRecord record) {
        Volume v = record.volume();
        int unused = writer.write(database -> Conflicts.check(
                () -> database.update(
                        "INSERT INTO volume (id, project, name, size_bytes, created_at, state) VALUES (?, ?, ?, ?, ?, ?)",
                        v.id(),
                        v.project(),
                        v.name(),
                        v.sizeBytes(),
                        v.createdAt(),
                        record.state().name()),
                "a volume named '" + v.name() + "' exists"));
    }

    @Override
    public void update(VolumeRecord record) {
        Volume v = record.volume();
        int unused = writer.write(database -> database.update(
                "UPDATE volume SET size_bytes = ?, state = ? WHERE id = ?",
                v.sizeBytes(),
                record.state().name(),
                v.id()));
    }

    /** What is allocated to it only the pool knows. */
    private static VolumeRecord record(ResultSet row) throws SQLException {
        Volume volume = new Volume(
                new VolumeId(row.getString("id")),
                new ProjectId(row.getString("project")),
                row.getString("name"),
                row.getLong("size_bytes"),
                0,
                Columns.instant(row, "created_at"));
        return new VolumeRecord(volume, MakeState.valueOf(row.getString("state")));
    }

    @Override
    public List<VolumeRecord> all() {
        return readers.read(
                database -> database.query("SELECT * FROM volume ORDER BY project, name", SqliteVolumes::record));
    }

    @Override
    public void delete(VolumeId id) {
        int unused = writer.write(database -> database.update("DELETE FROM volume WHERE id = ?", id));
    }
}
