package dev.atoll.engine;

import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.Outcome;
import dev.atoll.domain.SandboxState;
import dev.atoll.store.SandboxRecord;
import dev.atoll.store.SandboxStore;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;

/**
 * The row of one sandbox and its value in memory, which changes only after the row did. Read from any
 * thread; changed by its owner, but for the mark of a delete, which any thread may set and which is
 * final: no later change undoes it.
 */
final class JournalEntry {
    private final SandboxStore store;
    private final ReentrantLock lock = new ReentrantLock();
    private volatile SandboxRecord record;

    JournalEntry(SandboxStore store, SandboxRecord record) {
        this.store = store;
        this.record = record;
    }

    SandboxRecord get() {
        return record;
    }

    boolean isDeleted() {
        return record.sandbox().state() == SandboxState.DELETED;
    }

    /** Writes the row of a new sandbox, whose value in memory stays what it is. Durable when it returns. */
    void insert(SandboxRecord row) {
        SandboxRecord unused = store.insert(row);
    }

    /**
     * The value in memory becomes the row that was inserted.
     *
     * @throws NotFoundException when the sandbox was deleted meanwhile
     */
    void inserted(SandboxRecord row) {
        lock.lock();
        try {
            refuseDeleted();
            record = row;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Writes the next value. Durable when it returns.
     *
     * @throws NotFoundException when the sandbox was deleted meanwhile
     */
    void change(UnaryOperator<SandboxRecord> change) {
        lock.lock();
        try {
            refuseDeleted();
            SandboxRecord next = change.apply(record);
            store.update(next);
            record = next;
        } finally {
            lock.unlock();
        }
    }

    private void refuseDeleted() {
        if (isDeleted()) {
            throw new NotFoundException("sandbox", record.sandbox().id().value());
        }
    }

    /**
     * Writes DELETED, which frees the name in the journal.
     *
     * @param failed what a create died of; then its row may never have been written, and its
     *     idempotency key is free again
     * @param outcome how it ended, of one that was RUNNING
     * @return whether this call did it, and none before
     */
    boolean markDeleted(Instant at, Optional<String> failed, Optional<Outcome> outcome) {
        lock.lock();
        try {
            if (isDeleted()) {
                return false;
            }
            SandboxRecord next = record.withSandbox(SandboxEdit.of(record.sandbox())
                            .enter(SandboxState.DELETED, at)
                            .failure(failed)
                            .outcome(outcome)
                            .done())
                    .withIdempotencyKey(failed.isPresent() ? Optional.empty() : record.idempotencyKey());
            try {
                store.update(next);
            } catch (NotFoundException e) {
                if (failed.isEmpty()) {
                    throw e;
                }
            }
            record = next;
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** The last activity was written up to this instant, together with that of others. */
    void activityStored(Instant upTo) {
        lock.lock();
        try {
            record = record.withSandbox(SandboxEdit.of(record.sandbox()).lastActivity(upTo).done());
        } finally {
            lock.unlock();
        }
    }
}
