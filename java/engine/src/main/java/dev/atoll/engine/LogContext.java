package dev.atoll.engine;

import java.util.Map;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;

/** Carries what a caller's log lines are marked with, its request, over to the threads that work for it. */
final class LogContext {
    private LogContext() {}

    /** The task, marked as the calling thread is now. */
    static Runnable carrying(Runnable task) {
        Map<String, String> context = MDC.getCopyOfContextMap();
        if (context == null || context.isEmpty()) {
            return task;
        }
        return () -> {
            @Nullable Map<String, String> own = MDC.getCopyOfContextMap();
            MDC.setContextMap(context);
            try {
                task.run();
            } finally {
                if (own == null) {
                    MDC.clear();
                } else {
                    MDC.setContextMap(own);
                }
            }
        };
    }

    /** An executor whose tasks are marked as whoever hands them in. */
    static Executor carrying(Executor executor) {
        return task -> executor.execute(carrying(task));
    }
}
