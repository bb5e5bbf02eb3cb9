package dev.atoll.store;

import static dev.atoll.store.Samples.ALPHA;
import static dev.atoll.store.Samples.NOON;
import static dev.atoll.store.Samples.sandbox;
import static dev.atoll.store.Samples.sandboxId;
import static dev.atoll.store.Samples.snapshot;
import static dev.atoll.store.Samples.template;
import static dev.atoll.store.Samples.withKey;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.atoll.domain.Sandbox;
import dev.atoll.domain.Snapshot;
import dev.atoll.domain.Template;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Databases that earlier programs wrote, opened by this one. A fixture is the dump of a database into
 * which the program of its day put the records of {@link Samples} as far as it knew them; it is never changed.
 */
final class MigrationTest {
    private static final LocalDate DAY = LocalDate.of(2026, 11, 24);
    private static final Counters COUNTERS = new Counters(1, 2, 3, 4, 5, 6);
    private static final KeyRecord KEY =
            new KeyRecord("k1", ALPHA, "laptop", "ab".repeat(32), false, NOON, Optional.empty());

    @TempDir
    private Path directory;

    /** Those of which there is a fixture. */
    static IntStream versions() {
        return IntStream.of(1, 2);
    }

    @ParameterizedTest
    @MethodSource("versions")
    void what_an_older_program_wrote_is_read_and_written_on(int version) throws Exception {
        Path file = restored(version);
        try (Store store = SqliteStore.open(file)) {
            SandboxRecord expected = knownBy(version, withKey(sandbox(1, "one"), "key"));
            assertThat(store.sandboxes().living()).containsExactly(expected);
            assertThat(store.snapshots().get(snapshot(2, "", Optional.empty()).snapshot().id()))
                    .contains(knownBy(version, snapshot(2, "snap", Optional.of(NOON.plusSeconds(60)))));
            assertThat(store.templates().get(template(3, "", Optional.empty()).template().id()))
                    .contains(knownBy(version, template(3, "mine", Optional.of(ALPHA))));
            assertThat(store.keys().findByHash(KEY.sha256())).contains(KEY);
            assertThat(store.usage().ofSandbox(sandboxId(1))).isEqualTo(COUNTERS);
            assertThat(store.usage().ofProject(ALPHA, DAY, DAY)).containsExactly(new UsageStore.Day(DAY, COUNTERS));

            store.sandboxes().insert(sandbox(5, "five"));
            assertThat(store.sandboxes().get(sandboxId(5))).contains(sandbox(5, "five"));
        }
        assertThat(pragma(file, "user_version")).isEqualTo(Schema.VERSION);
    }

    @ParameterizedTest
    @MethodSource("versions")
    void a_migrated_schema_is_that_of_a_new_database(int version) throws Exception {
        Path file = restored(version);
        SqliteStore.open(file).close();
        Path fresh = directory.resolve("fresh.db");
        SqliteStore.open(fresh).close();
        assertThat(schema(file)).isEqualTo(schema(fresh));
    }

    @Test
    void a_database_of_the_next_version_is_refused_and_left_alone() throws SQLException {
        Path file = directory.resolve("next.db");
        try (Store store = SqliteStore.open(file)) {
            store.sandboxes().insert(sandbox(1, "one"));
        }
        int next = Schema.VERSION + 1;
        execute(file, "PRAGMA user_version = " + next);
        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> SqliteStore.open(file))
                .withMessage(file + " was written by a newer Atoll: it has schema " + next
                        + ", this version knows those up to " + Schema.VERSION);
        execute(file, "PRAGMA user_version = " + Schema.VERSION);
        try (Store store = SqliteStore.open(file)) {
            assertThat(store.sandboxes().living()).containsExactly(sandbox(1, "one"));
        }
    }

    /** What each record is without the parts that a version had no columns for. */
    private static SandboxRecord knownBy(int version, SandboxRecord record) {
        return new SandboxRecord(
                knownBy(version, record.sandbox()), record.layers(), record.slot(), record.idempotencyKey(),
                version >= 2 ? record.secretEnv() : Optional.empty(), record.usageAtBoot());
    }

    private static Sandbox knownBy(int version, Sandbox s) {
        return new Sandbox(
                s.id(), s.project(), s.name(), s.labels(), s.template(), s.templateName(), s.isolation(),
                s.resources(), s.env(), s.user(), s.workdir(), s.network(), s.rules(), s.attributes(), s.state(),
                s.underWay(), s.failure(), s.generation(), s.parent(), s.createdAt(), s.stateSince(),
                s.lastActivity(), version >= 2 ? s.entrypoint() : Optional.empty(),
                version >= 2 ? s.outcome() : Optional.empty(), version >= 4 ? s.volumes() : List.of(), Optional.empty());
    }

    private static SnapshotRecord knownBy(int version, SnapshotRecord record) {
        Snapshot s = record.snapshot();
        return new SnapshotRecord(
                new Snapshot(
                        s.id(), s.project(), s.name(), s.sandbox(), s.template(), s.layers(), s.sizeBytes(), s.usedBytes(),
                        s.blocked(), s.createdAt(), s.expiresAt(), version >= 3 ? s.memory() : Optional.empty(), false),
                record.state());
    }

    private static TemplateRecord knownBy(int version, TemplateRecord record) {
        Template t = record.template();
        Template.Config c = t.config();
        var config = Template.Config.of(c.env(), c.user(), c.workdir(), c.entrypoint(), c.command());
        return version >= 2 ? record : new TemplateRecord(
                new Template(t.id(), t.name(), t.project(), t.layers(), config, t.sizeBytes(), t.builtIn(), t.aliases(), t.createdAt()),
                Optional.empty(), record.state());
    }

    private Path restored(int version) throws IOException, SQLException {
        Path file = directory.resolve("written-by-v" + version + ".db");
        try (InputStream dump = MigrationTest.class.getResourceAsStream("written-by-v" + version + ".sql")) {
            assertThat(dump).as("the fixture of version " + version).isNotNull();
            execute(file, new String(dump.readAllBytes(), StandardCharsets.UTF_8));
        }
        return file;
    }

    private static void execute(Path file, String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                var statement = connection.createStatement()) {
            statement.executeUpdate(sql);
        }
    }

    private static int pragma(Path file, String name) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                var statement = connection.createStatement();
                var rows = statement.executeQuery("PRAGMA " + name)) {
            return rows.getInt(1);
        }
    }

    /** Columns and indexes, whatever the order of the statements that made them. */
    private static List<String> schema(Path file) throws SQLException {
        String sql = """
                SELECT m.type || ' ' || m.name || ' ' || coalesce(c.name || ' ' || c.type || ' ' || c."notnull" || ' ' || c.pk, '')
                FROM sqlite_master AS m LEFT JOIN pragma_table_info(m.name) AS c ORDER BY 1""";
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                var statement = connection.createStatement();
                var rows = statement.executeQuery(sql)) {
            var lines = new ArrayList<String>();
            while (rows.next()) {
                lines.add(rows.getString(1));
            }
            return lines;
        }
    }
}
