package dev.atoll.app.observe;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.atoll.domain.Caller;
import dev.atoll.domain.ForbiddenException;
import dev.atoll.http.CurrentRequest;
import java.io.IOException;
import java.time.Clock;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.json.JsonMapper;

/**
 * Who did what, from where, and how it ended: one line of JSON an event, appended to a file. Calls of the
 * domain that change something or take data out, and keys that were refused. Nothing of what was written,
 * read or executed is in it, and no secret.
 *
 * <p>A thread of its own writes. A caller waits only when {@value #WAITING} events have not been written
 * yet: none is dropped. What a kill or a power cut takes is what was not written yet.
 */
public final class AuditLog implements Observer, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(AuditLog.class);
    private static final int WAITING = 4096;
    private static final int LONGEST_ERROR = 300;

    /**
     * @param request the id that stands in the log, too
     * @param from the client's address
     * @param key id of the key, {@code operator} for the operator's own
     * @param outcome done, refused (key or right), or failed
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Event(
            String at,
            @Nullable String request,
            @Nullable String from,
            @Nullable String project,
            @Nullable String key,
            @Nullable String keyName,
            String action,
            @Nullable String target,
            String outcome,
            @Nullable String error) {}

    private final RotatingFile file;
    private final Clock clock;
    private final Function<String, Optional<String>> nameOfKey;
    private final JsonMapper json = new JsonMapper();
    private final BlockingQueue<Optional<Event>> waiting = new ArrayBlockingQueue<>(WAITING);
    private final Thread writer = Thread.ofVirtual().name("audit").unstarted(this::write);

    /** @param nameOfKey of a key's id; asked on the writing thread */
    public AuditLog(RotatingFile file, Clock clock, Function<String, Optional<String>> nameOfKey) {
        this.file = file;
        this.clock = clock;
        this.nameOfKey = nameOfKey;
        writer.start();
    }

    @Override
    public Object around(DomainCall call, Callable<Object> work) throws Exception {
        if (!call.isNoteworthy()) {
            return work.call();
        }
        if (call.method().equals("authenticate")) {
            return authenticate(call, work);
        }
        try {
            Object result = work.call();
            add(call, call.target(result), "done", null);
            return result;
        } catch (Exception e) {
            add(call, call.target(null), e instanceof ForbiddenException ? "refused" : "failed", e);
            throw e;
        }
    }

    private Object authenticate(DomainCall call, Callable<Object> work) throws Exception {
        Object caller = work.call();
        if (caller.equals(Optional.empty())) {
            add(call, "", "refused", null);
        }
        return caller;
    }

    private void add(DomainCall call, String target, String outcome, @Nullable Exception error) {
        Optional<CurrentRequest> request = CurrentRequest.get();
        Optional<Caller> caller = call.caller();
        put(Optional.of(new Event(
                clock.instant().toString(),
                request.map(CurrentRequest::id).orElse(null),
                request.map(CurrentRequest::from).orElse(null),
                caller.map(c -> c.project().value()).orElse(null),
                caller.map(Caller::keyId).orElse(null),
                null,
                call.action(),
                target.isEmpty() ? null : target,
                outcome,
                error == null ? null : shortened(error.getClass().getSimpleName() + ": " + error.getMessage()))));
    }

    private void put(Optional<Event> event) {
        boolean interrupted = false;
        while (true) {
            try {
                waiting.put(event);
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static String shortened(String text) {
        return text.length() <= LONGEST_ERROR ? text : text.substring(0, LONGEST_ERROR);
    }

    private void write() {
        while (true) {
            try {
                Optional<Event> next = waiting.take();
                if (next.isEmpty()) {
                    return;
                }
                file.append(json.writeValueAsString(named(next.get())) + "\n");
            } catch (IOException | RuntimeException e) {
                LOG.error("an event of the audit is lost: {}", e.toString());
            } catch (InterruptedException e) {
                // Nobody interrupts it: the empty event ends it.
                LOG.debug("interrupted", e);
            }
        }
    }

    private Event named(Event event) {
        return event.key() == null
                ? event
                : new Event(
                        event.at(), event.request(), event.from(), event.project(), event.key(),
                        nameOf(event.key()).orElse(null), event.action(), event.target(), event.outcome(),
                        event.error());
    }

    /** An event is told without the name rather than not at all. */
    private Optional<String> nameOf(String key) {
        try {
            return nameOfKey.apply(key);
        } catch (RuntimeException e) {
            LOG.warn("the audit does not know the name of key {}: {}", key, e.toString());
            return Optional.empty();
        }
    }

    /** Returns when all that was added is in the file. */
    @Override
    public void close() throws IOException {
        put(Optional.empty());
        try {
            writer.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        file.close();
    }
}
