package dev.atoll.store;

import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/** The connections that read, lent to one caller at a time. Reads see what is committed; none waits for the writer. */
final class Readers implements AutoCloseable {
    private final BlockingQueue<Database> free;
    private final int count;
    private volatile boolean closed;

    Readers(List<Database> databases) {
        count = databases.size();
        free = new ArrayBlockingQueue<>(count, true, databases);
    }

    /** A look at the database. */
    interface Look<T> {
        T at(Database database) throws SQLException;
    }

    /** @throws StoreException when the database cannot be read */
    <T> T read(Look<T> look) {
        if (closed) {
            throw new IllegalStateException("the store is closed");
        }
        Database database = take();
        try {
            return look.at(database);
        } catch (SQLException e) {
            throw new StoreException("cannot read the database: " + e.getMessage(), e);
        } catch (RuntimeException e) {
            // Nothing but a value that was never written so: no such enum constant, malformed JSON.
            throw new StoreException("a row of the database is damaged: " + e.getMessage(), e);
        } finally {
            free.add(database);
        }
    }

    private Database take() {
        try {
            return free.take();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoreException("interrupted while waiting to read", e);
        }
    }

    /** Waits for the reads under way. Once only. */
    @Override
    public void close() throws SQLException {
        closed = true;
        for (int i = 0; i < count; i++) {
            take().close();
        }
    }
}
