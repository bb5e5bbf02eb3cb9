package dev.atoll.store;

import dev.atoll.domain.ProjectId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Table api_key. */
final class SqliteKeys implements KeyStore {
    private final Writer writer;
    private final Readers readers;

    SqliteKeys(Writer writer, Readers readers) {
        this.writer = writer;
        this.readers = readers;
    }

    @Override
    public void insert(KeyRecord record) {
        int unused = writer.write(database -> Conflicts.check(
                () -> database.update(
                        "INSERT INTO api_key (id, project, name, sha256, operator, created_at, revoked_at)"
                                + " VALUES (?, ?, ?, ?, ?, ?, ?)",
                        record.id(),
                        record.project(),
                        record.name(),
                        record.sha256(),
                        record.operator(),
                        record.createdAt(),
                        record.revokedAt()),
                "a key of this id or secret exists"));
    }

    private static KeyRecord record(ResultSet row) throws SQLException {
        return new KeyRecord(
                row.getString("id"),
                new ProjectId(row.getString("project")),
                row.getString("name"),
                row.getString("sha256"),
                row.getBoolean("operator"),
                Columns.instant(row, "created_at"),
                Columns.optionalInstant(row, "revoked_at"));
    }

    @Override
    public Optional<KeyRecord> get(String id) {
        return readers.read(database -> database.one("SELECT * FROM api_key WHERE id = ?", SqliteKeys::record, id));
    }

    @Override
    public Optional<KeyRecord> findByHash(String sha256) {
        return readers.read(
                database -> database.one("SELECT * FROM api_key WHERE sha256 = ?", SqliteKeys::record, sha256));
    }

    @Override
    public List<KeyRecord> list(Optional<ProjectId> project) {
        return readers.read(database -> project.isPresent()
                ? database.query(
                        "SELECT * FROM api_key WHERE project = ? ORDER BY created_at, id",
                        SqliteKeys::record,
                        project.get())
                : database.query("SELECT * FROM api_key ORDER BY created_at, id", SqliteKeys::record));
    }

    @Override
    public boolean revoke(String id, Instant at) {
        return writer.write(database ->
                database.update("UPDATE api_key SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?", at, id) > 0);
    }
}
