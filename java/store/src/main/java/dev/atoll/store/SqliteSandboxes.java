package dev.atoll.store;

import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.Operation;
import dev.atoll.domain.Page;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Resources;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SandboxQuery;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.TemplateId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Table sandbox. */
final class SqliteSandboxes implements SandboxStore {
    private static final List<String> COLUMNS = List.of(
            "id", "project", "name", "labels", "template", "template_name", "isolation", "cpu_millis",
            "memory_bytes", "disk_bytes", "gpus", "env", "user_name", "workdir", "network", "rules", "attributes",
            "state", "operation", "operation_since", "failure", "generation", "parent", "created_at", "state_since",
            "last_activity", "layers", "slot", "idempotency_key", "usage_at_boot",
            "entrypoint", "outcome", "secret_env", "volumes");
    private static final String INSERT = "INSERT INTO sandbox (" + String.join(", ", COLUMNS) + ") VALUES ("
            + COLUMNS.stream().map(c -> "?").collect(Collectors.joining(", ")) + ")";
    private static final String UPDATE = "UPDATE sandbox SET "
            + COLUMNS.stream().map(c -> c + " = ?").collect(Collectors.joining(", ")) + " WHERE id = ?";

    private final Writer writer;
    private final Readers readers;

    SqliteSandboxes(Writer writer, Readers readers) {
        this.writer = writer;
        this.readers = readers;
    }

    @Override
    public SandboxRecord insert(SandboxRecord record) {
        return writer.write(database -> {
            if (record.idempotencyKey().isPresent()) {
                Optional<SandboxRecord> earlier = byKey(
                        database,
                        record.sandbox().project(),
                        record.idempotencyKey().get());
                if (earlier.isPresent()) {
                    return earlier.get();
                }
            }
            Conflicts.check(() -> database.update(INSERT, values(record)), nameTaken(record));
            return record;
        });
    }

    @Override
    public void update(SandboxRecord record) {
        Object[] values = values(record);
        Object[] parameters = Arrays.copyOf(values, values.length + 1);
        parameters[values.length] = record.sandbox().id();
        int changed = writer.write(
                database -> Conflicts.check(() -> database.update(UPDATE, parameters), nameTaken(record)));
        if (changed == 0) {
            throw new NotFoundException("sandbox", record.sandbox().id().value());
        }
    }

    private static String nameTaken(SandboxRecord record) {
        return "a sandbox named '" + record.sandbox().name() + "' exists";
    }

    private static Object[] values(SandboxRecord record) {
        Sandbox s = record.sandbox();
        return new Object[] {
            s.id(),
            s.project(),
            s.name(),
            Json.map(s.labels()),
            s.template(),
            s.templateName(),
            s.isolation().name(),
            s.resources().cpuMillis(),
            s.resources().memoryBytes(),
            s.resources().diskBytes(),
            s.resources().gpus(),
            Json.map(s.env()),
            s.user(),
            s.workdir(),
            Json.network(s.network()),
            Json.rules(s.rules()),
            Json.map(s.attributes()),
            s.state().name(),
            s.underWay().map(u -> u.operation().name()),
            s.underWay().map(Operation.UnderWay::since),
            s.failure(),
            s.generation(),
            s.parent(),
            s.createdAt(),
            s.stateSince(),
            s.lastActivity(),
            Json.layers(record.layers()),
            record.slot(),
            record.idempotencyKey(),
            Json.counters(record.usageAtBoot()),
            s.entrypoint().map(Json::entrypoint),
            s.outcome().map(Json::outcome),
            record.secretEnv(),
            Json.volumes(s.volumes()),
        };
    }

    private static SandboxRecord record(ResultSet row) throws SQLException {
        Optional<Operation> operation = Columns.optional(row, "operation").map(Operation::valueOf);
        Optional<Instant> since = Columns.optionalInstant(row, "operation_since");
        Sandbox sandbox = new Sandbox(
                new SandboxId(row.getString("id")),
                new ProjectId(row.getString("project")),
                row.getString("name"),
                Json.map(row.getString("labels")),
                new TemplateId(row.getString("template")),
                row.getString("template_name"),
                Isolation.valueOf(row.getString("isolation")),
                new Resources(
                        row.getInt("cpu_millis"),
                        row.getLong("memory_bytes"),
                        row.getLong("disk_bytes"),
                        row.getInt("gpus")),
                Json.map(row.getString("env")),
                row.getString("user_name"),
                row.getString("workdir"),
                Json.network(row.getString("network")),
                Json.rules(row.getString("rules")),
                Json.map(row.getString("attributes")),
                SandboxState.valueOf(row.getString("state")),
                operation.flatMap(o -> since.map(at -> new Operation.UnderWay(o, at))),
                Columns.optional(row, "failure"),
                row.getLong("generation"),
                Columns.optional(row, "parent").map(SandboxId::new),
                Columns.instant(row, "created_at"),
                Columns.instant(row, "state_since"),
                Columns.instant(row, "last_activity"),
                Columns.optional(row, "entrypoint").map(Json::entrypoint),
                Columns.optional(row, "outcome").map(Json::outcome),
                Json.volumes(row.getString("volumes")),
                Optional.empty());
        return new SandboxRecord(
                sandbox,
                Json.layers(row.getString("layers")),
                Columns.optional(row, "slot"),
                Columns.optional(row, "idempotency_key"),
                Columns.optional(row, "secret_env"),
                Json.counters(row.getString("usage_at_boot")));
    }

    @Override
    public Optional<SandboxRecord> get(SandboxId id) {
        return readers.read(
                database -> database.one("SELECT * FROM sandbox WHERE id = ?", SqliteSandboxes::record, id));
    }

    @Override
    public Optional<SandboxRecord> findByName(ProjectId project, String name) {
        return readers.read(database -> database.one(
                "SELECT * FROM sandbox WHERE project = ? AND name = ? AND state <> 'DELETED'",
                SqliteSandboxes::record,
                project,
                name));
    }

    @Override
    public Optional<SandboxRecord> findByIdempotencyKey(ProjectId project, String key) {
        return readers.read(database -> byKey(database, project, key));
    }

    private static Optional<SandboxRecord> byKey(Database database, ProjectId project, String key)
            throws SQLException {
        return database.one(
                "SELECT * FROM sandbox WHERE project = ? AND idempotency_key = ?",
                SqliteSandboxes::record,
                project,
                key);
    }

    @Override
    public List<SandboxRecord> living() {
        return readers.read(database -> database.query(
                "SELECT * FROM sandbox WHERE state <> 'DELETED' ORDER BY created_at, id", SqliteSandboxes::record));
    }

    @Override
    public Page<SandboxRecord> list(ProjectId project, SandboxQuery query) {
        StringBuilder where = new StringBuilder("project = ?");
        List<Object> parameters = new ArrayList<>(List.of(project));
        if (query.states().isEmpty()) {
            where.append(query.includeFinished()
                    ? " AND (state <> 'DELETED' OR outcome IS NOT NULL)"
                    : " AND state <> 'DELETED'");
        } else {
            where.append(query.states().stream()
                    .map(state -> "'" + state.name() + "'")
                    .sorted()
                    .collect(Collectors.joining(", ", " AND state IN (", ")")));
        }
        query.namePrefix().ifPresent(prefix -> {
            where.append(" AND substr(name, 1, length(?)) = ?");
            parameters.add(prefix);
            parameters.add(prefix);
        });
        query.createdBefore().ifPresent(before -> {
            where.append(" AND created_at < ?");
            parameters.add(before);
        });
        query.labels().forEach((key, value) -> {
            where.append(" AND EXISTS (SELECT 1 FROM json_each(labels) AS l WHERE l.key = ? AND l.value = ?)");
            parameters.add(key);
            parameters.add(value);
        });
        String count = "SELECT count(*) FROM sandbox WHERE " + where;
        List<Object> counted = List.copyOf(parameters);
        query.cursor().map(Cursor::parse).ifPresent(cursor -> {
            where.append(" AND (created_at, id) < (?, ?)");
            parameters.add(cursor.createdAt());
            parameters.add(cursor.id());
        });
        parameters.add(query.limit() + 1);
        String page = "SELECT * FROM sandbox WHERE " + where + " ORDER BY created_at DESC, id DESC LIMIT ?";
        return readers.read(database -> {
            long total = database.one(count, row -> row.getLong(1), counted.toArray()).orElse(0L);
            List<SandboxRecord> found = database.query(page, SqliteSandboxes::record, parameters.toArray());
            if (found.size() <= query.limit()) {
                return new Page<>(found, Optional.empty(), total);
            }
            List<SandboxRecord> items = found.subList(0, query.limit());
            return new Page<>(items, Optional.of(Cursor.after(items.getLast().sandbox()).toString()), total);
        });
    }

    /** Where a page ended. */
    private record Cursor(long createdAt, String id) {
        static Cursor after(Sandbox sandbox) {
            return new Cursor(
                    Columns.nanos(sandbox.createdAt()), sandbox.id().value());
        }

        static Cursor parse(String text) {
            int dot = text.indexOf('.');
            try {
                return new Cursor(
                        Long.parseLong(text, 0, Math.max(dot, 0), 36),
                        new SandboxId(text.substring(dot + 1)).value());
            } catch (NumberFormatException | InvalidFieldException e) {
                throw new InvalidFieldException("cursor", text, "what the page before gave");
            }
        }

        @Override
        public String toString() {
            return Long.toString(createdAt, 36) + "." + id;
        }
    }

    @Override
    public void touch(Map<SandboxId, Instant> lastActivity) {
        if (lastActivity.isEmpty()) {
            return;
        }
        int unused = writer.write(database -> {
            int touched = 0;
            for (var entry : lastActivity.entrySet()) {
                touched += database.update(
                        "UPDATE sandbox SET last_activity = max(last_activity, ?) WHERE id = ?",
                        entry.getValue(),
                        entry.getKey());
            }
            return touched;
        });
    }

    @Override
    public int purgeDeleted(Instant before) {
        return writer.write(database ->
                database.update("DELETE FROM sandbox WHERE state = 'DELETED' AND state_since < ?", before));
    }
}
