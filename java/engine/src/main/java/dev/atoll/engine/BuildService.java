package dev.atoll.engine;

import dev.atoll.domain.Build;
import dev.atoll.domain.BuildLog;
import dev.atoll.domain.BuildTemplate;
import dev.atoll.domain.Builds;
import dev.atoll.domain.Caller;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.Resources;
import dev.atoll.domain.Source;
import dev.atoll.domain.Template;
import dev.atoll.domain.TemplateId;
import dev.atoll.domain.UnsupportedException;
import dev.atoll.image.BuildPlan;
import dev.atoll.image.Dockerfile;
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

/** Starts builds, joins those that are the same, and remembers those that have ended for a while. */
final class BuildService implements Builds, AutoCloseable {
    private static final int AT_ONCE = 4;
    /** The warden's bound of layers below one sandbox. */
    private static final int MOST_LAYERS = 64;

    private static final long REMEMBERED_LOG_BYTES = 64L << 20;
    private static final Duration LONGEST_AWAIT = Duration.ofHours(1);
    private static final Duration LONGEST_LOG_WAIT = Duration.ofMinutes(10);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(15);

    private final BuildTools tools;
    private final SourceResolver sources;
    private final SecretService secrets;
    private final Resources defaults;
    private final Executor virtualThreads;
    private final Semaphore turns = new Semaphore(AT_ONCE, true);
    private final Map<TemplateId, BuildRun> builds = new ConcurrentHashMap<>();
    private final ReentrantLock starting = new ReentrantLock();

    BuildService(BuildTools tools, SourceResolver sources) {
        this.tools = tools;
        this.sources = sources;
        this.secrets = tools.owners().secrets();
        this.defaults = tools.owners().config().defaults();
        this.virtualThreads = tools.owners().virtualThreads();
    }

    @Override
    public Build start(Caller caller, BuildTemplate spec) {
        BuildRun.Order order = order(caller, spec);
        starting.lock();
        try {
            Optional<BuildRun> same = builds.values().stream().filter(run -> isSame(run, order)).findFirst();
            if (same.isPresent()) {
                return same.get().view();
            }
            var run = new BuildRun(order, tools);
            builds.put(order.id(), run);
            forgetOldest();
            virtualThreads.execute(() -> run.run(turns));
            return run.view();
        } finally {
            starting.unlock();
        }
    }

    /** Under way, or done with its template still there; a forced build joins a forced one that is under way. */
    private boolean isSame(BuildRun run, BuildRun.Order order) {
        BuildRun.Order other = run.order();
        boolean content = other.templateKey().equals(order.templateKey())
                && (order.name().isEmpty() || other.name().equals(order.name()));
        if (!run.hasEnded()) {
            return content && other.force() == order.force();
        }
        return content && !order.force() && tools.catalog().find(other.id()).isPresent();
    }

    private BuildRun.Order order(Caller caller, BuildTemplate spec) {
        Dockerfile file = Dockerfile.parse(spec.dockerfile());
        SourceResolver.Resolved base = base(caller, spec, file.base(spec.args()));
        if (base.layers().size() >= MOST_LAYERS) {
            throw new UnsupportedException("the base has " + base.layers().size() + " layers and a build adds one; at most "
                    + MOST_LAYERS + " are supported: put the instructions of several builds into one");
        }
        BuildPlan plan = file.plan(base.config(), spec.args(), spec.context());
        Map<String, String> secretEnv = secrets.resolve(caller.project(), spec.secrets());
        var keys = new BuildKeys(caller.project(), secretEnv.isEmpty() ? "" : secrets.digest(secretEnv));
        String baseKey = keys.base(base.layers(), base.snapshot().map(s -> s.id()));
        var stepKeys = new ArrayList<String>();
        String last = baseKey;
        for (BuildPlan.Step step : plan.steps()) {
            String parent = last;
            last = step.work().map(work -> keys.step(parent, work)).orElse(parent);
            stepKeys.add(last);
        }
        String templateKey = keys.template(last, plan.config());
        TemplateId id = spec.force()
                ? new TemplateId(tools.ids().next())
                : tools.catalog().built(caller.project(), templateKey)
                        .filter(there -> spec.name().isEmpty() || spec.name().get().equals(there.name()))
                        .map(Template::id)
                        .orElseGet(() -> new TemplateId(tools.ids().next()));
        return new BuildRun.Order(
                id, caller.project(), spec.name(), base, plan, baseKey, stepKeys, templateKey, secretEnv,
                resources(spec, base), spec.force());
    }

    private SourceResolver.Resolved base(Caller caller, BuildTemplate spec, String from) {
        Source named = spec.bases().get(from);
        return sources.resolve(caller.project(), named != null ? named : new Source.OfImage(from));
    }

    private Resources resources(BuildTemplate spec, SourceResolver.Resolved base) {
        long disk = base.snapshot().map(s -> s.sizeBytes()).orElse(spec.diskBytes().orElse(defaults.diskBytes()));
        return new Resources(
                spec.cpuMillis().orElse(defaults.cpuMillis()),
                spec.memoryBytes().orElse(defaults.memoryBytes()),
                disk,
                defaults.gpus());
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
            builds.remove(run.order().id(), run);
        }
    }

    private BuildRun require(Caller caller, TemplateId id) {
        return Optional.ofNullable(builds.get(id))
                .filter(run -> run.order().project().equals(caller.project()))
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
                .filter(run -> run.order().project().equals(caller.project()))
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
