package dev.atoll.store;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.sqlite.SQLiteConfig;

/**
 * The store of a single node: one SQLite file in WAL mode with synchronous=FULL, so that a commit is
 * on the disk when it returns (https://sqlite.org/pragma.html#pragma_synchronous). One process at a
 * time.
 */
public final class SqliteStore implements Store {
    /** Reads are short and come from virtual threads; more connections would only hold memory. */
    private static final int READERS = 4;

    private static final int BUSY_MILLIS = 5_000;

    private final AtomicBoolean closed = new AtomicBoolean();
    private final Writer writer;
    private final Readers readers;
    private final SandboxStore sandboxes;
    private final SnapshotStore snapshots;
    private final TemplateStore templates;
    private final KeyStore keys;
    private final UsageStore usage;
    private final SecretStore secrets;
    private final BuildStepStore buildSteps;
    private final VolumeStore volumes;
    private final ArchiveStore archives;

    private SqliteStore(Writer writer, Readers readers) {
        this.writer = writer;
        this.readers = readers;
        sandboxes = new SqliteSandboxes(writer, readers);
        snapshots = new SqliteSnapshots(writer, readers);
        templates = new SqliteTemplates(writer, readers);
        keys = new SqliteKeys(writer, readers);
        usage = new SqliteUsage(writer, readers);
        secrets = new SqliteSecrets(writer, readers);
        buildSteps = new SqliteBuildSteps(writer, readers);
        volumes = new SqliteVolumes(writer, readers);
        archives = new SqliteArchives(writer, readers);
    }

    /**
     * Opens the database, making it (mode 0600) or bringing its schema up to date when needed.
     *
     * @throws StoreException when the file is damaged, none of ours, or of a newer version
     */
    public static SqliteStore open(Path file) {
        List<Database> opened = new ArrayList<>();
        try {
            make(file);
            Database writing = connect(file, false);
            opened.add(writing);
            Schema.migrate(writing, file);
            List<Database> reading = new ArrayList<>();
            for (int i = 0; i < READERS; i++) {
                Database database = connect(file, true);
                opened.add(database);
                reading.add(database);
            }
            return new SqliteStore(new Writer(writing), new Readers(reading));
        } catch (IOException | SQLException e) {
            closeAll(opened);
            throw new StoreException("cannot open the database " + file + ": " + e.getMessage(), e);
        } catch (StoreException e) {
            closeAll(opened);
            throw e;
        }
    }

    /** SQLite gives the mode of the database to its -wal and -shm files too. */
    private static void make(Path file) throws IOException {
        try {
            Files.createFile(
                    file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        } catch (FileAlreadyExistsException e) {
            // Most starts find one.
        }
    }

    private static Database connect(Path file, boolean readOnly) throws SQLException {
        SQLiteConfig config = new SQLiteConfig();
        config.setJournalMode(SQLiteConfig.JournalMode.WAL);
        config.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
        config.setBusyTimeout(BUSY_MILLIS);
        Database database = new Database(config.createConnection("jdbc:sqlite:" + file));
        if (readOnly) {
            database.execute("PRAGMA query_only = 1");
        }
        return database;
    }

    private static void closeAll(List<Database> databases) {
        for (Database database : databases) {
            try {
                database.close();
            } catch (SQLException e) {
                // The reason why nothing was opened is on its way to the caller.
            }
        }
    }

    @Override
    public SandboxStore sandboxes() {
        return sandboxes;
    }

    @Override
    public SnapshotStore snapshots() {
        return snapshots;
    }

    @Override
    public TemplateStore templates() {
        return templates;
    }

    @Override
    public KeyStore keys() {
        return keys;
    }

    @Override
    public UsageStore usage() {
        return usage;
    }

    @Override
    public SecretStore secrets() {
        return secrets;
    }

    @Override
    public BuildStepStore buildSteps() {
        return buildSteps;
    }

    @Override
    public VolumeStore volumes() {
        return volumes;
    }

    @Override
    public ArchiveStore archives() {
        return archives;
    }

    @Override
    public void close() {
        if (closed.getAndSet(true)) {
            return;
        }
        try {
            readers.close();
            writer.close();
        } catch (SQLException e) {
            throw new StoreException("cannot close the database: " + e.getMessage(), e);
        }
    }
}
