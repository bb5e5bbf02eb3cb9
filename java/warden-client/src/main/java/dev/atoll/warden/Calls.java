package dev.atoll.warden;

import dev.atoll.domain.AtollException;
import dev.atoll.domain.UnavailableException;
import dev.atoll.warden.Failures.Subject;
import dev.atoll.warden.proto.Failure;
import dev.atoll.warden.proto.Request;
import dev.atoll.warden.proto.Response;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;

/** Sends requests and decides what is tried again. Safe from any thread. */
final class Calls {
    private static final Duration FIRST_PAUSE = Duration.ofMillis(2);
    private static final Duration LONGEST_PAUSE = Duration.ofMillis(250);

    private final Connections connections;
    private final Timing timing;

    Calls(Connections connections, Timing timing) {
        this.connections = connections;
        this.timing = timing;
    }

    /** For what may be repeated freely. */
    Response idempotent(Request request, Subject subject, Duration deadline) {
        return guarded(request, subject, deadline, Optional::empty);
    }

    /**
     * For what must not be done twice.
     *
     * @param done asked after the connection broke: the answer, when the first try did its work
     */
    Response guarded(Request request, Subject subject, Duration deadline, Supplier<Optional<Response>> done) {
        return patiently(subject, () -> {
            try {
                return connections.exchange(request, deadline);
            } catch (Connections.Lost lost) {
                Optional<Response> answer = Thread.currentThread().isInterrupted() ? Optional.empty() : done.get();
                return answer.isPresent() ? answer.get() : connections.exchange(request, deadline);
            }
        });
    }

    /** As {@link #idempotent}, but BUSY is an answer. */
    Response impatiently(Request request, Subject subject, Duration deadline) {
        Response response = toDomain(() -> {
            try {
                return connections.exchange(request, deadline);
            } catch (Connections.Lost lost) {
                return connections.exchange(request, deadline);
            }
        });
        if (response.hasFailure()) {
            throw Failures.toDomain(response.getFailure(), subject);
        }
        return response;
    }

    private Response patiently(Subject subject, Exchange exchange) {
        long end = System.nanoTime() + timing.busy().toNanos();
        Duration pause = FIRST_PAUSE;
        while (true) {
            Response response = toDomain(exchange);
            if (!response.hasFailure()) {
                return response;
            }
            Failure failure = response.getFailure();
            if (failure.getCode() != Failure.Code.BUSY) {
                throw Failures.toDomain(failure, subject);
            }
            if (System.nanoTime() >= end) {
                throw new UnavailableException("the warden was busy for " + timing.busy().toSeconds() + " s: "
                        + failure.getMessage());
            }
            sleep(pause);
            pause = pause.multipliedBy(2).compareTo(LONGEST_PAUSE) < 0 ? pause.multipliedBy(2) : LONGEST_PAUSE;
        }
    }

    private static void sleep(Duration pause) {
        try {
            Thread.sleep(pause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UnavailableException("interrupted while the warden was busy", e);
        }
    }

    private static Response toDomain(Exchange exchange) {
        try {
            return exchange.run();
        } catch (IOException e) {
            throw new UnavailableException("the warden does not answer: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UnavailableException("interrupted while waiting for the warden", e);
        }
    }

    /** A request and its answer, failures of the warden among the answers. */
    private interface Exchange {
        Response run() throws IOException, InterruptedException, AtollException;
    }
}
