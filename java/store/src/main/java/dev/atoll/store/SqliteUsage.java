package dev.atoll.store;

import dev.atoll.domain.ProjectId;
import dev.atoll.domain.SandboxId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.LocalDate;
import java.util.List;

/** Tables sandbox_usage and project_usage. */
final class SqliteUsage implements UsageStore {
    private static final String COLUMNS =
            "cpu_micros, memory_byte_seconds, disk_byte_seconds, network_received, network_sent, oom_kills";
    private static final String SUMS = " DO UPDATE SET cpu_micros = cpu_micros + excluded.cpu_micros,"
            + " memory_byte_seconds = memory_byte_seconds + excluded.memory_byte_seconds,"
            + " disk_byte_seconds = disk_byte_seconds + excluded.disk_byte_seconds,"
            + " network_received = network_received + excluded.network_received,"
            + " network_sent = network_sent + excluded.network_sent,"
            + " oom_kills = oom_kills + excluded.oom_kills";
    private static final String ADD_TO_SANDBOX = "INSERT INTO sandbox_usage (sandbox, " + COLUMNS
            + ") VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sandbox)" + SUMS;
    private static final String ADD_TO_DAY = "INSERT INTO project_usage (project, day, " + COLUMNS
            + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (project, day)" + SUMS;

    private final Writer writer;
    private final Readers readers;

    SqliteUsage(Writer writer, Readers readers) {
        this.writer = writer;
        this.readers = readers;
    }

    @Override
    public void add(List<Increment> increments) {
        if (increments.isEmpty()) {
            return;
        }
        List<Increment> all = List.copyOf(increments);
        int unused = writer.write(database -> {
            for (Increment i : all) {
                Counters c = i.counters();
                database.update(
                        ADD_TO_SANDBOX,
                        i.sandbox(),
                        c.cpuMicros(),
                        c.memoryByteSeconds(),
                        c.diskByteSeconds(),
                        c.networkReceived(),
                        c.networkSent(),
                        c.oomKills());
                database.update(
                        ADD_TO_DAY,
                        i.project(),
                        i.day().toEpochDay(),
                        c.cpuMicros(),
                        c.memoryByteSeconds(),
                        c.diskByteSeconds(),
                        c.networkReceived(),
                        c.networkSent(),
                        c.oomKills());
            }
            return all.size();
        });
    }

    private static Counters counters(ResultSet row) throws SQLException {
        return new Counters(
                row.getLong("cpu_micros"),
                row.getLong("memory_byte_seconds"),
                row.getLong("disk_byte_seconds"),
                row.getLong("network_received"),
                row.getLong("network_sent"),
                row.getLong("oom_kills"));
    }

    @Override
    public Counters ofSandbox(SandboxId sandbox) {
        return readers.read(database -> database.one(
                        "SELECT * FROM sandbox_usage WHERE sandbox = ?", SqliteUsage::counters, sandbox))
                .orElse(Counters.ZERO);
    }

    @Override
    public List<Day> ofProject(ProjectId project, LocalDate from, LocalDate to) {
        return readers.read(database -> database.query(
                "SELECT * FROM project_usage WHERE project = ? AND day BETWEEN ? AND ? ORDER BY day",
                row -> new Day(LocalDate.ofEpochDay(row.getLong("day")), counters(row)),
                project,
                from.toEpochDay(),
                to.toEpochDay()));
    }

    @Override
    public List<ProjectDay> ofAll(LocalDate from, LocalDate to) {
        return readers.read(database -> database.query(
                "SELECT * FROM project_usage WHERE day BETWEEN ? AND ? ORDER BY day, project",
                row -> new ProjectDay(
                        new ProjectId(row.getString("project")),
                        new Day(LocalDate.ofEpochDay(row.getLong("day")), counters(row))),
                from.toEpochDay(),
                to.toEpochDay()));
    }

    @Override
    public void forget(SandboxId sandbox) {
        int unused = writer.write(database -> database.update("DELETE FROM sandbox_usage WHERE sandbox = ?", sandbox));
    }
}
