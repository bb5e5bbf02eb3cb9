package dev.atoll.engine;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.Predicate;

/**
 * Remembers which registries gave no answer, so that a create of which a template takes the place waits
 * for none of them. When what is known is old, one question goes out beside those that ask. Safe from any
 * thread.
 */
final class UnreachableRegistries {
    private static final Duration TRUSTED = Duration.ofMinutes(1);

    private final Predicate<String> answers;
    private final Clock clock;
    private final Executor executor;
    /** Until when each is believed to be away. */
    private final Map<String, Instant> away = new ConcurrentHashMap<>();

    /** @param answers asks a registry and waits for its answer */
    UnreachableRegistries(Predicate<String> answers, Clock clock, Executor executor) {
        this.answers = answers;
        this.clock = clock;
        this.executor = executor;
    }

    void add(String registry) {
        away.put(registry, clock.instant().plus(TRUSTED));
    }

    boolean contains(String registry) {
        Instant until = away.get(registry);
        if (until == null) {
            return false;
        }
        if (clock.instant().isAfter(until) && away.replace(registry, until, clock.instant().plus(TRUSTED))) {
            executor.execute(() -> ask(registry));
        }
        return true;
    }

    private void ask(String registry) {
        if (answers.test(registry)) {
            away.remove(registry);
        }
    }
}
