package dev.atoll.engine;

import dev.atoll.domain.Build;
import dev.atoll.domain.BuildLog;
import dev.atoll.domain.BuildTemplate;
import dev.atoll.domain.Builds;
import dev.atoll.domain.Caller;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.Resources;
import dev.atoll.domain.Template;
import dev.atoll.domain.TemplateId;
import dev.atoll.image.ContextArchive;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** Starts builds, joins those that are the same, and remembers those that have ended for a while. */
final class BuildService implements Builds, AutoCloseable {
    private static final int AT_ONCE = 4;
    private static final long MOST_CONTEXT_BYTES = 4L << 30;
    private static final long REMEMBERED_LOG_BYTES = 64L << 20;
    private static final Duration LONGEST_AWAIT = Duration.ofHours(1);
    private static final Duration LONGEST_LOG_WAIT = Duration.ofMinutes(10);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(15);

    private final BuildTools tools;
    private final SourceResolver sources;
    private final SecretService secrets;
    private final Resources defaults;
    private final Executor virtualThreads;
    /** Contexts of builds under way; what is left there is an earlier engine's. */
    private final Path contexts;
    private final ContextHolds holds = new ContextHolds();
    private final Semaphore turns = new Semaphore(AT_ONCE, true);
    private final Map<TemplateId, BuildRun> builds = new ConcurrentHashMap<>();
    private final ReentrantLock starting = new ReentrantLock();

    BuildService(BuildTools tools, SourceResolver sources) {
        this.tools = tools;
        this.sources = sources;
        this.secrets = tools.owners().secrets();
        this.defaults = tools.owners().config().defaults();
        this.virtualThreads = tools.owners().virtualThreads();
        this.contexts = tools.owners().config().state().resolve("contexts");
        removeLeftovers();
    }

    private void removeLeftovers() {
        try (Stream<Path> left = Files.exists(contexts) ? Files.list(contexts) : Stream.empty()) {
            for (Path file : left.toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public Build start(Caller caller, BuildTemplate spec) {
        return start(caller, spec, () -> {});
    }

    @Override
    public Build start(Caller caller, InputStream context, String dockerfile, UnaryOperator<BuildTemplate> rest) {
        ContextHolds.Hold hold = holds.hold();
        try {
            ContextArchive archive = receive(context, hold);
            try {
                String text = archive.text(dockerfile)
                        .orElseThrow(() -> new NotFoundException("file", dockerfile, "the context has no such Dockerfile"));
                return start(caller, rest.apply(BuildTemplate.of(text)).withContext(archive.files()), () -> release(archive, hold));
            } catch (RuntimeException | Error e) {
                archive.close();
                throw e;
            }
        } catch (RuntimeException | Error e) {
            hold.close();
            throw e;
        }
    }

    private static void release(ContextArchive archive, ContextHolds.Hold hold) {
        try {
            archive.close();
        } finally {
            hold.close();
        }
    }

    private ContextArchive receive(InputStream context, ContextHolds.Hold hold) {
        try {
            Files.createDirectories(contexts);
            return ContextArchive.receive(context, contexts.resolve(tools.ids().next()), MOST_CONTEXT_BYTES, hold::take);
        } catch (IOException e) {
            throw new UncheckedIOException("the context could not be received", e);
        }
    }

    /** @param release run once, when nothing of the context will be read any more */
    private Build start(Caller caller, BuildTemplate spec, Runnable release) {
        var asked = new BuildOrders(caller.project(), spec, sources, secrets, defaults, tools.ids());
        Optional<BuildRun.Order> ready = asked.ready();
        Optional<Template> built = spec.force()
                ? Optional.empty()
                : ready.flatMap(order -> tools.catalog().built(caller.project(), order.templateKey()))
                        .filter(there -> spec.name().isEmpty() || spec.name().get().equals(there.name()));
        var ticket = new BuildRun.Ticket(
                built.map(Template::id).orElseGet(() -> new TemplateId(tools.ids().next())), caller.project(),
                spec.name(), asked.request(), spec.force());
        starting.lock();
        try {
            Optional<BuildRun> same = builds.values().stream().filter(run -> isSame(run, ticket, ready)).findFirst();
            if (same.isPresent()) {
                release.run();
                return same.get().view();
            }
            var run = new BuildRun(ticket, ready, tools);
            builds.put(ticket.id(), run);
            forgetOldest();
            virtualThreads.execute(() -> {
                try {
                    run.run(turns, waiting -> ready.orElseGet(() -> asked.order(waiting)));
                } finally {
                    release.run();
                }
            });
            return run.view();
        } finally {
            starting.unlock();
        }
    }

    /** Under way, or done with its template still there; a forced build joins a forced one that is under way. */
    private boolean isSame(BuildRun run, BuildRun.Ticket ticket, Optional<BuildRun.Order> ready) {
        BuildRun.Ticket other = run.ticket();
        boolean named = ticket.name().isEmpty() || other.name().equals(ticket.name());
        boolean content = other.project().equals(ticket.project())
                && (other.request().equals(ticket.request()) && !run.hasEnded()
                        || named && ready.isPresent() && run.templateKey().equals(ready.map(BuildRun.Order::templateKey)));
        if (!run.hasEnded()) {
            return content && other.force() == ticket.force();
        }
        return content && !ticket.force() && tools.catalog().find(other.id()).isPresent();
    }

    /** Ended ones, the oldest first, until the logs of the rest are within their bound. */
    private void forgetOldest() {
        List<BuildRun> ended = new ArrayList<>(builds.values().stream().filter(BuildRun::hasEnded).toList());
        ended.sort(Comparator.comparing(run -> run.view().createdAt()));
        long bytes = ended.stream().mapToLong(BuildRun::logBytes).sum();
        for (BuildRun run : ended) {
            if (bytes <= REMEMBERED_LOG_BYTES) {
                return;
            }
            bytes -= run.logBytes();
            builds.remove(run.ticket().id(), run);
        }
    }

    private BuildRun require(Caller caller, TemplateId id) {
        return Optional.ofNullable(builds.get(id))
                .filter(run -> run.ticket().project().equals(caller.project()))
                .orElseThrow(() -> new NotFoundException("build", id.value()));
    }

    @Override
    public Build get(Caller caller, TemplateId id) {
        return require(caller, id).view();
    }

    @Override
    public Build await(Caller caller, TemplateId id, Duration timeout) {
        check("timeout", timeout, LONGEST_AWAIT);
        BuildRun run = require(caller, id);
        run.await(timeout);
        return run.view();
    }

    @Override
    public BuildLog log(Caller caller, TemplateId id, long offset, Duration wait) {
        InvalidFieldException.requireRange("offset", offset, 0, Long.MAX_VALUE);
        check("wait", wait, LONGEST_LOG_WAIT);
        return require(caller, id).read(offset, wait);
    }

    private static void check(String field, Duration value, Duration longest) {
        if (value.isNegative() || value.compareTo(longest) > 0) {
            throw new InvalidFieldException(field, value.toString(), "0 to " + longest.toSeconds() + " seconds");
        }
    }

    @Override
    public Build cancel(Caller caller, TemplateId id) {
        BuildRun run = require(caller, id);
        run.cancel();
        return run.view();
    }

    @Override
    public List<Build> list(Caller caller) {
        return builds.values().stream()
                .filter(run -> run.ticket().project().equals(caller.project()))
                .map(BuildRun::view)
                .sorted(Comparator.comparing(Build::createdAt).reversed())
                .toList();
    }

    /** Cancels what is under way, so that nothing is left of it. */
    @Override
    public void close() {
        List<BuildRun> running = builds.values().stream().filter(run -> !run.hasEnded()).toList();
        running.forEach(BuildRun::cancel);
        running.forEach(run -> run.await(CLOSE_TIMEOUT));
    }
}
