package dev.atoll.store;

import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Secret;
import dev.atoll.domain.SecretId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Table secret. */
final class SqliteSecrets implements SecretStore {
    private final Writer writer;
    private final Readers readers;

    SqliteSecrets(Writer writer, Readers readers) {
        this.writer = writer;
        this.readers = readers;
    }

    @Override
    public void put(SecretRecord record) {
        Secret s = record.secret();
        int unused = writer.write(database -> Conflicts.check(
                () -> database.update(
                        "INSERT INTO secret (id, project, name, keys, sealed, created_at, updated_at, expires_at)"
                                + " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                                + " ON CONFLICT (id) DO UPDATE SET project = excluded.project, name = excluded.name,"
                                + " keys = excluded.keys, sealed = excluded.sealed,"
                                + " created_at = excluded.created_at, updated_at = excluded.updated_at,"
                                + " expires_at = excluded.expires_at",
                        s.id(),
                        s.project(),
                        s.name(),
                        Json.list(s.keys().stream().sorted().toList()),
                        record.sealed(),
                        s.createdAt(),
                        s.updatedAt(),
                        s.expiresAt()),
                "a secret named '" + s.name().orElse("") + "' exists"));
    }

    private static SecretRecord record(ResultSet row) throws SQLException {
        Secret secret = new Secret(
                new SecretId(row.getString("id")),
                new ProjectId(row.getString("project")),
                Columns.optional(row, "name"),
                Set.copyOf(Json.list(row.getString("keys"))),
                Columns.instant(row, "created_at"),
                Columns.instant(row, "updated_at"),
                Columns.optionalInstant(row, "expires_at"));
        return new SecretRecord(secret, row.getString("sealed"));
    }

    @Override
    public Optional<SecretRecord> get(SecretId id) {
        return readers.read(
                database -> database.one("SELECT * FROM secret WHERE id = ?", SqliteSecrets::record, id));
    }

    @Override
    public Optional<SecretRecord> findByName(ProjectId project, String name) {
        return readers.read(database -> database.one(
                "SELECT * FROM secret WHERE project = ? AND name = ?", SqliteSecrets::record, project, name));
    }

    @Override
    public List<SecretRecord> named(ProjectId project) {
        return readers.read(database -> database.query(
                "SELECT * FROM secret WHERE project = ? AND name IS NOT NULL ORDER BY name",
                SqliteSecrets::record,
                project));
    }

    @Override
    public void delete(SecretId id) {
        int unused = writer.write(database -> database.update("DELETE FROM secret WHERE id = ?", id));
    }

    @Override
    public int purgeExpired(Instant now) {
        return writer.write(database -> database.update("DELETE FROM secret WHERE expires_at <= ?", now));
    }
}
