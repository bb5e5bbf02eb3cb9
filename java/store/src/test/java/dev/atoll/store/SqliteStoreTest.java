package dev.atoll.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class SqliteStoreTest extends StoreContract {
    @TempDir
    private Path directory;

    @Override
    Store open() {
        return SqliteStore.open(file());
    }

    private Path file() {
        return directory.resolve("atoll.db");
    }

    @Test
    void only_the_owner_may_read_the_file() throws IOException {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file()))).isEqualTo("rw-------");
        assertThat(PosixFilePermissions.toString(
                        Files.getPosixFilePermissions(directory.resolve("atoll.db-wal"))))
                .isEqualTo("rw-------");
    }

    @Test
    void a_file_of_a_newer_version_is_refused() throws SQLException {
        Path newer = directory.resolve("newer.db");
        SqliteStore.open(newer).close();
        execute(newer, "PRAGMA user_version = 999");

        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> SqliteStore.open(newer))
                .withMessageContaining("newer Atoll")
                .withMessageContaining("999");
    }

    @Test
    void a_database_of_another_program_is_refused_and_left_alone() throws SQLException {
        Path foreign = directory.resolve("foreign.db");
        execute(foreign, "CREATE TABLE sandbox (x)");

        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> SqliteStore.open(foreign))
                .withMessageContaining("none of Atoll's");
    }

    @Test
    void a_file_that_is_no_database_is_refused() throws IOException {
        Path garbage = directory.resolve("garbage.db");
        Files.writeString(garbage, "this is no database at all, ".repeat(100));

        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> SqliteStore.open(garbage))
                .withMessageContaining("garbage.db");
    }

    @Test
    void a_row_that_was_never_written_so_is_a_clear_error() throws SQLException {
        try (Store store = SqliteStore.open(directory.resolve("damaged.db"))) {
            store.sandboxes().insert(Samples.sandbox(1, "one"));
            execute(directory.resolve("damaged.db"), "UPDATE sandbox SET labels = '{\"half'");

            assertThatExceptionOfType(StoreException.class)
                    .isThrownBy(() -> store.sandboxes().living())
                    .withMessageContaining("damaged");
        }
    }

    private static void execute(Path file, String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                var statement = connection.createStatement()) {
            statement.executeUpdate(sql);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "1970-01-01T00:00:00Z", "1969-12-31T23:59:59.999999999Z", "2026-11-24T12:00:00.000000001Z",
        "2262-04-11T23:47:16.854775807Z", "1677-09-21T00:12:43.145224192Z"
    })
    void an_instant_survives_to_the_nanosecond(String text) {
        Instant instant = Instant.parse(text);
        assertThat(Columns.instant(Columns.nanos(instant))).isEqualTo(instant);
    }

    @Test
    void an_instant_beyond_the_range_becomes_its_end() {
        assertThat(Columns.nanos(Instant.MAX)).isEqualTo(Long.MAX_VALUE);
        assertThat(Columns.nanos(Instant.MIN)).isEqualTo(Long.MIN_VALUE);
    }
}
