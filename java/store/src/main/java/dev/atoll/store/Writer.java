package dev.atoll.store;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * The one thread that writes. Callers block until their work is durable; works that wait while the
 * disk syncs are carried out together and share the next sync (group commit), each in its own
 * savepoint, so that one that fails undoes only itself.
 *
 * <p>A platform thread: a sync is a long native call, which would hold a carrier of virtual threads.
 */
final class Writer implements AutoCloseable {
    private static final int LARGEST_GROUP = 256;

    private final Database database;
    private final LinkedBlockingQueue<Task<?>> queue = new LinkedBlockingQueue<>();
    private final Thread thread;

    // Guarded by this.
    private boolean closed;

    /** @param database used by the writing thread only, from here on */
    Writer(Database database) {
        this.database = database;
        thread = Thread.ofPlatform().daemon().name("store-writer").start(this::run);
    }

    /** A change; what it throws undoes it. */
    interface Change<T> {
        T apply(Database database) throws SQLException;
    }

    private static final class Task<T> {
        private final Change<T> change;
        private final CompletableFuture<T> outcome = new CompletableFuture<>();
        private Runnable report = () -> {};

        Task(Change<T> change) {
            this.change = change;
        }

        /** Leaves in {@code report} what to tell the caller once the group is durable. */
        void apply(Database database) throws SQLException {
            database.update("SAVEPOINT change");
            try {
                T result = change.apply(database);
                database.update("RELEASE change");
                report = () -> outcome.complete(result);
            } catch (SQLException | RuntimeException e) {
                database.update("ROLLBACK TO change");
                database.update("RELEASE change");
                RuntimeException failure = e instanceof RuntimeException refused
                        ? refused
                        : new StoreException("cannot write the database: " + e.getMessage(), e);
                report = () -> outcome.completeExceptionally(failure);
            }
        }
    }

    /** Ends the queue. */
    private static final Task<Boolean> STOP = new Task<>(database -> true);

    /**
     * Carries out a change and returns when it is durable.
     *
     * @throws StoreException when the database cannot be written; nothing of the change is there then
     */
    <T> T write(Change<T> change) {
        Task<T> task = new Task<>(change);
        synchronized (this) {
            if (closed) {
                throw new IllegalStateException("the store is closed");
            }
            queue.add(task);
        }
        try {
            return task.outcome.join();
        } catch (CompletionException e) {
            throw switch (e.getCause()) {
                case RuntimeException cause -> cause;
                case null, default -> new StoreException("cannot write the database: " + e.getMessage(), e);
            };
        }
    }

    private void run() {
        List<Task<?>> group = new ArrayList<>();
        boolean stop = false;
        while (!stop) {
            group.clear();
            try {
                group.add(queue.take());
            } catch (InterruptedException e) {
                // Nobody but this class knows the thread, and it does not interrupt.
                throw new IllegalStateException(e);
            }
            queue.drainTo(group, LARGEST_GROUP - 1);
            stop = group.remove(STOP);
            commit(group);
        }
    }

    private void commit(List<Task<?>> group) {
        if (group.isEmpty()) {
            return;
        }
        try {
            database.update("BEGIN IMMEDIATE");
            try {
                for (Task<?> task : group) {
                    task.apply(database);
                }
                database.update("COMMIT");
            } catch (SQLException | RuntimeException | Error e) {
                rollback(e);
                throw e;
            }
        } catch (SQLException | RuntimeException | Error e) {
            // Errors too: a writer that is gone would leave every later caller waiting.
            group.forEach(task -> task.outcome.completeExceptionally(
                    new StoreException("cannot write the database: " + e.getMessage(), e)));
            return;
        }
        group.forEach(task -> task.report.run());
    }

    private void rollback(Throwable cause) {
        try {
            database.update("ROLLBACK");
        } catch (SQLException e) {
            // SQLite has rolled back by itself after some errors (disk full, I/O).
            cause.addSuppressed(e);
        }
    }

    /** Returns when all that was asked for is durable. Once only. */
    @Override
    public void close() throws SQLException {
        synchronized (this) {
            closed = true;
            queue.add(STOP);
        }
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoreException("interrupted while the last writes became durable", e);
        }
        database.close();
    }
}
