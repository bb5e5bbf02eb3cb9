package dev.atoll.store;

import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.Snapshot;
import dev.atoll.domain.SnapshotId;
import dev.atoll.domain.TemplateId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Table snapshot. */
final class SqliteSnapshots implements SnapshotStore {
    private final Writer writer;
    private final Readers readers;

    SqliteSnapshots(Writer writer, Readers readers) {
        this.writer = writer;
        this.readers = readers;
    }

    @Override
    public void insert(SnapshotRecord record) {
        Snapshot s = record.snapshot();
        int unused = writer.write(database -> Conflicts.check(
                () -> database.update(
                        "INSERT INTO snapshot (id, project, name, sandbox, template, layers, size_bytes, used_bytes,"
                                + " blocked, created_at, expires_at, memory, state)"
                                + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        s.id(),
                        s.project(),
                        s.name(),
                        s.sandbox(),
                        s.template(),
                        Json.layers(s.layers()),
                        s.sizeBytes(),
                        s.usedBytes(),
                        s.blocked().toNanos(),
                        s.createdAt(),
                        s.expiresAt(),
                        s.memory().map(Json::memory),
                        record.state().name()),
                nameTaken(s)));
    }

    @Override
    public void update(SnapshotRecord record) {
        Snapshot s = record.snapshot();
        int changed = writer.write(database -> Conflicts.check(
                () -> database.update(
                        "UPDATE snapshot SET project = ?, name = ?, sandbox = ?, template = ?, layers = ?,"
                                + " size_bytes = ?, used_bytes = ?, blocked = ?, created_at = ?, expires_at = ?, memory = ?,"
                                + " state = ? WHERE id = ?",
                        s.project(),
                        s.name(),
                        s.sandbox(),
                        s.template(),
                        Json.layers(s.layers()),
                        s.sizeBytes(),
                        s.usedBytes(),
                        s.blocked().toNanos(),
                        s.createdAt(),
                        s.expiresAt(),
                        s.memory().map(Json::memory),
                        record.state().name(),
                        s.id()),
                nameTaken(s)));
        if (changed == 0) {
            throw new NotFoundException("snapshot", s.id().value());
        }
    }

    private static String nameTaken(Snapshot snapshot) {
        return "a snapshot named '" + snapshot.name() + "' exists";
    }

    private static SnapshotRecord record(ResultSet row) throws SQLException {
        MakeState state = MakeState.valueOf(row.getString("state"));
        Snapshot snapshot = new Snapshot(
                new SnapshotId(row.getString("id")),
                new ProjectId(row.getString("project")),
                row.getString("name"),
                Columns.optional(row, "sandbox").map(SandboxId::new),
                new TemplateId(row.getString("template")),
                Json.layers(row.getString("layers")),
                row.getLong("size_bytes"),
                row.getLong("used_bytes"),
                Duration.ofNanos(row.getLong("blocked")),
                Columns.instant(row, "created_at"),
                Columns.optionalInstant(row, "expires_at"),
                Columns.optional(row, "memory").map(Json::memory),
                state == MakeState.ARCHIVED);
        return new SnapshotRecord(snapshot, state);
    }

    @Override
    public Optional<SnapshotRecord> get(SnapshotId id) {
        return readers.read(
                database -> database.one("SELECT * FROM snapshot WHERE id = ?", SqliteSnapshots::record, id));
    }

    @Override
    public Optional<SnapshotRecord> findByName(ProjectId project, String name) {
        return readers.read(database -> database.one(
                "SELECT * FROM snapshot WHERE project = ? AND name = ?", SqliteSnapshots::record, project, name));
    }

    @Override
    public List<SnapshotRecord> list(ProjectId project) {
        return readers.read(database -> database.query(
                "SELECT * FROM snapshot WHERE project = ? ORDER BY created_at DESC, id DESC",
                SqliteSnapshots::record,
                project));
    }

    @Override
    public List<SnapshotRecord> all() {
        return readers.read(database ->
                database.query("SELECT * FROM snapshot ORDER BY created_at, id", SqliteSnapshots::record));
    }

    @Override
    public List<SnapshotRecord> expired(Instant now) {
        return readers.read(database -> database.query(
                "SELECT * FROM snapshot WHERE expires_at <= ? AND state IN ('READY', 'ARCHIVED') ORDER BY expires_at",
                SqliteSnapshots::record,
                now));
    }

    @Override
    public void delete(SnapshotId id) {
        int unused = writer.write(database -> database.update("DELETE FROM snapshot WHERE id = ?", id));
    }
}
