package dev.atoll.engine;

import java.util.ArrayDeque;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Runs tasks one at a time in the order they came, on a virtual thread that exists only while there
 * are tasks: ten thousand idle sandboxes have no thread. Safe from any thread; a task must not call
 * {@link #call} of its own mailbox, it would wait for itself.
 */
final class Mailbox {
    private final String name;
    private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
    private boolean draining;

    Mailbox(String name) {
        this.name = name;
    }

    /** Queues a task; its outcome is in the future. */
    <T> CompletableFuture<T> submit(Callable<T> task) {
        var outcome = new CompletableFuture<T>();
        Runnable run = LogContext.carrying(() -> {
            try {
                outcome.complete(task.call());
            } catch (Throwable e) {
                outcome.completeExceptionally(e);
            }
        });
        synchronized (waiting) {
            waiting.add(run);
            if (!draining) {
                draining = true;
                Thread.ofVirtual().name(name).start(this::drain);
            }
        }
        return outcome;
    }

    /** Queues a task and waits for it; what it throws unchecked is thrown here. */
    <T> T call(Callable<T> task) {
        return await(submit(task));
    }

    /** Waits for an outcome; an interrupt of the waiting thread does not stop the task. */
    static <T> T await(CompletableFuture<T> outcome) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return outcome.get();
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (ExecutionException e) {
                    throw rethrown(e.getCause());
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static RuntimeException rethrown(@Nullable Throwable cause) {
        if (cause instanceof RuntimeException e) {
            return e;
        }
        if (cause instanceof Error e) {
            throw e;
        }
        return new CompletionException(cause);
    }

    private void drain() {
        while (true) {
            Runnable next;
            synchronized (waiting) {
                next = waiting.poll();
                if (next == null) {
                    draining = false;
                    return;
                }
            }
            next.run();
        }
    }
}
