package dev.atoll.store;

import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Template;
import dev.atoll.domain.TemplateId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/** Table template. */
final class SqliteTemplates implements TemplateStore {
    private final Writer writer;
    private final Readers readers;

    SqliteTemplates(Writer writer, Readers readers) {
        this.writer = writer;
        this.readers = readers;
    }

    @Override
    public void put(TemplateRecord record) {
        Template t = record.template();
        int unused = writer.write(database -> Conflicts.check(
                () -> database.update(
                        "INSERT INTO template (id, project, name, layers, config, size_bytes, built_in, aliases,"
                                + " created_at, build_key, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                                + " ON CONFLICT (id) DO UPDATE SET project = excluded.project, name = excluded.name,"
                                + " layers = excluded.layers, config = excluded.config,"
                                + " size_bytes = excluded.size_bytes, built_in = excluded.built_in,"
                                + " aliases = excluded.aliases, created_at = excluded.created_at,"
                                + " build_key = excluded.build_key,"
                                + " state = excluded.state",
                        t.id(),
                        t.project().map(ProjectId::value).orElse(""),
                        t.name(),
                        Json.layers(t.layers()),
                        Json.config(t.config()),
                        t.sizeBytes(),
                        t.builtIn(),
                        Json.list(t.aliases()),
                        t.createdAt(),
                        record.buildKey(),
                        record.state().name()),
                "a template named '" + t.name() + "' exists"));
    }

    private static TemplateRecord record(ResultSet row) throws SQLException {
        String project = row.getString("project");
        Template template = new Template(
                new TemplateId(row.getString("id")),
                row.getString("name"),
                project.isEmpty() ? Optional.empty() : Optional.of(new ProjectId(project)),
                Json.layers(row.getString("layers")),
                Json.config(row.getString("config")),
                row.getLong("size_bytes"),
                row.getBoolean("built_in"),
                Json.list(row.getString("aliases")),
                Columns.instant(row, "created_at"));
        return new TemplateRecord(template, Columns.optional(row, "build_key"), MakeState.valueOf(row.getString("state")));
    }

    @Override
    public Optional<TemplateRecord> get(TemplateId id) {
        return readers.read(
                database -> database.one("SELECT * FROM template WHERE id = ?", SqliteTemplates::record, id));
    }

    @Override
    public Optional<TemplateRecord> findByName(ProjectId project, String name) {
        // '' sorts first: descending, the project's own comes before the built-in one.
        return readers.read(database -> database.one(
                "SELECT * FROM template WHERE project IN (?, '') AND name = ? ORDER BY project DESC LIMIT 1",
                SqliteTemplates::record,
                project,
                name));
    }

    @Override
    public List<TemplateRecord> list(ProjectId project) {
        return readers.read(database -> database.query(
                "SELECT * FROM template WHERE project IN (?, '') ORDER BY name, project DESC",
                SqliteTemplates::record,
                project));
    }

    @Override
    public List<TemplateRecord> all() {
        return readers.read(database ->
                database.query("SELECT * FROM template ORDER BY created_at, id", SqliteTemplates::record));
    }

    @Override
    public void delete(TemplateId id) {
        int unused = writer.write(database -> database.update("DELETE FROM template WHERE id = ?", id));
    }
}
