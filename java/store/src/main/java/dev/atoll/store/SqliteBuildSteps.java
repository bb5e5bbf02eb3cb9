package dev.atoll.store;

import dev.atoll.domain.LayerId;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.SnapshotId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** Table build_step. */
final class SqliteBuildSteps implements BuildStepStore {
    private final Writer writer;
    private final Readers readers;

    SqliteBuildSteps(Writer writer, Readers readers) {
        this.writer = writer;
        this.readers = readers;
    }

    @Override
    public void put(BuildStepRecord record) {
        int unused = writer.write(database -> database.update(
                "INSERT INTO build_step (step_key, project, snapshot, layers, layer, used_bytes, last_used)"
                        + " VALUES (?, ?, ?, ?, ?, ?, ?)"
                        + " ON CONFLICT (step_key) DO UPDATE SET project = excluded.project,"
                        + " snapshot = excluded.snapshot, layers = excluded.layers, layer = excluded.layer, used_bytes = excluded.used_bytes,"
                        + " last_used = excluded.last_used",
                record.key(),
                record.project(),
                record.snapshot(),
                Json.layers(record.layers()),
                record.layer(),
                record.usedBytes(),
                record.lastUsed()));
    }

    private static BuildStepRecord record(ResultSet row) throws SQLException {
        return new BuildStepRecord(
                row.getString("step_key"),
                new ProjectId(row.getString("project")),
                new SnapshotId(row.getString("snapshot")),
                Json.layers(row.getString("layers")),
                Columns.optional(row, "layer").map(LayerId::new),
                row.getLong("used_bytes"),
                Columns.instant(row, "last_used"));
    }

    @Override
    public Optional<BuildStepRecord> get(String key) {
        return readers.read(database ->
                database.one("SELECT * FROM build_step WHERE step_key = ?", SqliteBuildSteps::record, key));
    }

    @Override
    public List<BuildStepRecord> all() {
        return readers.read(database -> database.query(
                "SELECT * FROM build_step ORDER BY last_used, step_key", SqliteBuildSteps::record));
    }

    @Override
    public void touch(Collection<String> keys, Instant lastUsed) {
        if (keys.isEmpty()) {
            return;
        }
        int unused = writer.write(database -> {
            int touched = 0;
            for (String key : keys) {
                touched += database.update(
                        "UPDATE build_step SET last_used = max(last_used, ?) WHERE step_key = ?", lastUsed, key);
            }
            return touched;
        });
    }

    @Override
    public void delete(String key) {
        int unused = writer.write(database -> database.update("DELETE FROM build_step WHERE step_key = ?", key));
    }
}
