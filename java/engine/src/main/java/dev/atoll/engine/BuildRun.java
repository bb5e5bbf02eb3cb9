package dev.atoll.engine;

import dev.atoll.domain.AtollException;
import dev.atoll.domain.Build;
import dev.atoll.domain.BuildLog;
import dev.atoll.domain.BuildStatus;
import dev.atoll.domain.GuestException;
import dev.atoll.domain.LayerId;
import dev.atoll.domain.ProcessExit;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Resources;
import dev.atoll.domain.SnapshotId;
import dev.atoll.domain.Template;
import dev.atoll.domain.TemplateId;
import dev.atoll.domain.UnavailableException;
import dev.atoll.image.BuildPlan;
import dev.atoll.image.BuildPlan.Step;
import dev.atoll.image.BuildPlan.Work;
import dev.atoll.store.BuildStepRecord;
import dev.atoll.warden.DiskSource;
import dev.atoll.warden.SnapshotMade;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One build: its steps, one after the other, on a thread of its own. What is cached is skipped, from
 * the last step backwards: each cached disk holds all that the steps before it did. Read and cancelled
 * from any thread.
 */
final class BuildRun {
    private static final Logger LOG = LoggerFactory.getLogger(BuildRun.class);
    /** All steps together. */
    private static final Duration LONGEST = Duration.ofHours(1);

    private static final int SHOWN_OUTPUT = 8 << 10;

    /**
     * What is to be built.
     *
     * @param keys of the steps of the plan, each the same as before it where a step does no work
     * @param baseKey what the first step stands on
     * @param templateKey of all of it
     */
    record Order(
            TemplateId id,
            ProjectId project,
            Optional<String> name,
            SourceResolver.Resolved base,
            BuildPlan plan,
            String baseKey,
            List<String> keys,
            String templateKey,
            Map<String, String> secrets,
            Resources resources,
            boolean force) {}

    /** Ends the build with what is to be told. */
    private static final class StepFailed extends Exception {
        private static final long serialVersionUID = 1;

        private final transient Build.Failure failure;

        StepFailed(Build.Failure failure) {
            super(failure.message());
            this.failure = failure;
        }
    }

    private final Order order;
    private final BuildTools tools;
    private final Instant createdAt;
    private final BuildLogBuffer log = new BuildLogBuffer();
    private final CompletableFuture<Void> cancelled = new CompletableFuture<>();
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private volatile BuildStatus status = BuildStatus.QUEUED;
    private volatile Optional<Build.Failure> failure = Optional.empty();
    private volatile Optional<Instant> endedAt = Optional.empty();
    private volatile int step;
    private volatile @Nullable BuildSandbox sandbox;
    /** The key of the step that the sandbox's disk has done last; the running thread's own. */
    private String onDisk = "";

    BuildRun(Order order, BuildTools tools) {
        this.order = order;
        this.tools = tools;
        this.createdAt = tools.clock().instant();
    }

    Order order() {
        return order;
    }

    Build view() {
        return new Build(
                order.id(), order.project(), order.name(), status, failure, step, order.plan().steps().size(),
                log.length(), createdAt, endedAt);
    }

    BuildLog read(long offset, Duration wait) {
        return log.read(offset, wait);
    }

    int logBytes() {
        return log.allocated();
    }

    boolean hasEnded() {
        return ended.isDone();
    }

    /** Returns when it has ended, or after {@code timeout}. */
    void await(Duration timeout) {
        try {
            ended.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            LOG.trace("build {} goes on", order.id());
        } catch (ExecutionException e) {
            throw new IllegalStateException("an end is no failure", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UnavailableException("interrupted while waiting for build " + order.id(), e);
        }
    }

    /** Ends it; returns at once. */
    void cancel() {
        cancelled.complete(null);
        BuildSandbox running = sandbox;
        if (running != null) {
            running.kill();
        }
    }

    /** Carries it out. @param turns how many builds run at the same time */
    void run(Semaphore turns) {
        turns.acquireUninterruptibly();
        try {
            if (cancelled.isDone()) {
                end(BuildStatus.CANCELLED, Optional.empty());
                return;
            }
            status = BuildStatus.RUNNING;
            build();
            end(BuildStatus.SUCCEEDED, Optional.empty());
        } catch (StepFailed e) {
            end(BuildStatus.FAILED, Optional.of(e.failure));
        } catch (AtollException e) {
            end(BuildStatus.FAILED, Optional.of(failure(String.valueOf(e.getMessage()))));
        } catch (RuntimeException e) {
            LOG.error("build {} failed", order.id(), e);
            end(BuildStatus.FAILED, Optional.of(failure("the engine failed: " + e)));
        } finally {
            turns.release();
        }
    }

    private static Build.Failure failure(String message) {
        return new Build.Failure(message, 0, Optional.empty(), "");
    }

    private void end(BuildStatus reached, Optional<Build.Failure> why) {
        BuildStatus last = cancelled.isDone() && reached == BuildStatus.FAILED ? BuildStatus.CANCELLED : reached;
        if (last == BuildStatus.FAILED) {
            failure = why;
            why.ifPresent(f -> log.append(f.message() + "\n"));
        }
        if (last == BuildStatus.CANCELLED) {
            log.append("cancelled\n");
        }
        LOG.info("build {} of project {}: {}", order.id(), order.project().value(), last);
        endedAt = Optional.of(tools.clock().instant());
        status = last;
        log.end();
        ended.complete(null);
    }

    private void build() throws StepFailed {
        Optional<Template> there = order.force() ? Optional.empty() : tools.catalog().built(order.project(), order.templateKey());
        int cached = there.isPresent() ? order.keys().size() : cachedSteps();
        Instant deadline = tools.clock().instant().plus(LONGEST);
        try {
            for (int i = 0; i < order.plan().steps().size(); i++) {
                Step next = order.plan().steps().get(i);
                step = i + 1;
                log.append("Step " + step + "/" + order.plan().steps().size() + " : " + next.heading() + "\n");
                if (i == 0) {
                    tellBase();
                }
                if (next.work().isPresent()) {
                    if (i < cached) {
                        log.append(" ---> cached\n");
                    } else {
                        work(i, next, next.work().get(), deadline);
                    }
                }
            }
        } finally {
            BuildSandbox last = sandbox;
            sandbox = null;
            if (last != null) {
                last.close();
            }
        }
        publish(there);
    }

    private void tellBase() {
        order.base().alias().ifPresent(pattern -> log.append(
                " ---> stands for template " + order.base().template() + " by images.alias " + pattern + "\n"));
        order.plan().unusedArgs().stream().sorted()
                .forEach(name -> log.append("build argument " + name + " is declared by no ARG\n"));
    }

    /** How many steps from the first on need not be run. */
    private int cachedSteps() {
        if (order.force()) {
            return 0;
        }
        var used = new ArrayList<String>();
        for (int i = order.keys().size(); i > 0; i--) {
            if (order.plan().steps().get(i - 1).work().isPresent()
                    && tools.cache().find(order.keys().get(i - 1)).isPresent()) {
                order.keys().subList(0, i).forEach(used::add);
                tools.cache().used(used);
                return i;
            }
        }
        return 0;
    }

    /** Runs a step, or waits for another build that runs the same. */
    private void work(int index, Step next, Work work, Instant deadline) throws StepFailed {
        String key = order.keys().get(index);
        while (true) {
            refuseIfCancelled();
            Optional<CompletableFuture<Void>> other = tools.cache().turn(key);
            if (other.isEmpty()) {
                break;
            }
            log.append(" ---> another build runs this step\n");
            CompletableFuture.anyOf(other.get(), cancelled).join();
            if (!order.force() && tools.cache().find(key).isPresent()) {
                log.append(" ---> cached\n");
                return;
            }
        }
        try {
            carryOut(index, next, work, deadline);
        } finally {
            tools.cache().done(key);
        }
    }

    private void refuseIfCancelled() throws StepFailed {
        if (cancelled.isDone()) {
            throw new StepFailed(failure("cancelled"));
        }
    }

    private void carryOut(int index, Step next, Work work, Instant deadline) throws StepFailed {
        String parent = index == 0 ? order.baseKey() : order.keys().get(index - 1);
        Optional<BuildStepRecord> before = tools.cache().find(parent);
        Optional<SnapshotId> from = before.map(BuildStepRecord::snapshot);
        from.ifPresent(tools.cache()::pin);
        long logged = log.length();
        try {
            BuildSandbox box = sandboxOn(parent);
            box.boot(from.<DiskSource>map(DiskSource.OfSnapshot::new)
                    .orElseGet(() -> order.base().disk(order.resources().diskBytes())));
            refuseIfCancelled();
            box.makeDirectories(work.directories());
            switch (work) {
                case BuildPlan.Run run -> run(box, next, run, deadline, logged);
                case BuildPlan.Copy copy -> box.copy(copy);
            }
            tools.killPoints().reached(KillPoint.BUILD_STEP_RUN);
            keep(box, index);
        } catch (GuestException e) {
            throw new StepFailed(new Build.Failure(
                    at(next) + e.getMessage(), next.line(), Optional.empty(), log.tail(logged, SHOWN_OUTPUT)));
        } catch (IOException e) {
            throw new StepFailed(new Build.Failure(
                    at(next) + "a file of the context cannot be read: " + e.getMessage(), next.line(), Optional.empty(), ""));
        } finally {
            from.ifPresent(tools.cache()::unpin);
        }
    }

    private static String at(Step step) {
        return "dockerfile line " + step.line() + ": " + step.heading() + ": ";
    }

    private BuildSandbox sandboxOn(String parent) {
        BuildSandbox box = sandbox;
        if (box == null) {
            box = tools.sandbox(order);
            sandbox = box;
        } else if (!onDisk.equals(parent)) {
            box.forgetDisk();
        }
        return box;
    }

    private void run(BuildSandbox box, Step next, BuildPlan.Run run, Instant deadline, long logged) throws StepFailed {
        Duration left = Duration.between(tools.clock().instant(), deadline);
        if (!left.isPositive()) {
            throw new StepFailed(failure("the build takes longer than " + LONGEST));
        }
        var mask = new SecretMask(order.secrets().values(), log::append);
        ProcessExit exit = box.run(run, order.secrets(), left, mask::write);
        mask.flush();
        if (exit.code() == 0) {
            return;
        }
        String how = exit.timedOut() ? "the build takes longer than " + LONGEST
                : exit.oomKilled() ? "killed for lack of memory"
                : exit.signal() != 0 ? "killed by signal " + exit.signal()
                : "exit code " + exit.code();
        throw new StepFailed(new Build.Failure(
                at(next) + how, next.line(), Optional.of(exit.code()), log.tail(logged, SHOWN_OUTPUT)));
    }

    private void keep(BuildSandbox box, int index) {
        String key = order.keys().get(index);
        SnapshotId snapshot = tools.cache().begin();
        try {
            SnapshotMade made = box.keep(snapshot);
            tools.killPoints().reached(KillPoint.BUILD_STEP_KEPT);
            tools.cache().keep(key, order.project(), snapshot, order.base().layers(), made.used());
            onDisk = key;
        } catch (RuntimeException e) {
            tools.cache().abandon(snapshot);
            throw e;
        }
    }

    /** Enters the template; what it stands on is the base's layers and at most one more. */
    private void publish(Optional<Template> there) {
        String last = order.keys().isEmpty() ? order.baseKey() : order.keys().getLast();
        if (there.isPresent()) {
            enter(there.get().layers(), there.get().sizeBytes());
        } else if (!last.equals(order.baseKey())) {
            BuildCache.Made made = tools.cache()
                    .layerOf(last, () -> tools.killPoints().reached(KillPoint.BUILD_LAYER_MADE));
            enter(withLayer(made), made.bytes());
        } else if (order.base().snapshot().isPresent()) {
            var unused = tools.cache().makeLayer(
                    order.base().snapshot().get().id(),
                    (layer, bytes) -> enter(withLayer(new BuildCache.Made(layer, bytes)), bytes));
        } else {
            enter(order.base().layers(), 0);
        }
        tools.killPoints().reached(KillPoint.BUILD_COMMITTED);
        log.append("Template " + order.name().orElse(order.id().value()) + " is ready.\n");
    }

    private List<LayerId> withLayer(BuildCache.Made made) {
        var layers = new ArrayList<>(order.base().layers());
        layers.add(made.layer());
        return layers;
    }

    private void enter(List<LayerId> layers, long bytes) {
        tools.catalog().enter(
                new Template(
                        order.id(), order.name().orElse(order.id().value()), Optional.of(order.project()), layers,
                        order.plan().config(), bytes, false, List.of(), tools.clock().instant()),
                order.templateKey());
    }
}
