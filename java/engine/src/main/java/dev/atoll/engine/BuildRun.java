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
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
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

    /** Who asked for a build, and as what it is known. @param request hash of all that was asked for */
    record Ticket(TemplateId id, ProjectId project, Optional<String> name, String request, boolean force) {}

    /**
     * One stage of it.
     *
     * @param base what lies below all its steps, and those of stages that it stands on
     * @param begin the key of what its first step stands on
     * @param under the stage that it stands on
     * @param keys of the steps, each the same as before it where a step does no work
     */
    record Stage(
            int index, SourceResolver.Resolved base, String begin, Optional<Integer> under, List<Step> steps, List<String> keys) {
        /** Of what its steps leave. */
        String end() {
            return keys.isEmpty() ? begin : keys.getLast();
        }
    }

    /**
     * What is to be built.
     *
     * @param stages those that the last one needs, the last one at the end
     * @param images what COPY takes files from, by their references
     * @param templateKey of all of it
     */
    record Order(
            List<Stage> stages,
            Map<String, SourceResolver.Resolved> images,
            Template.Config config,
            Set<String> unusedArgs,
            String templateKey,
            Map<String, String> secrets,
            Resources resources) {
        Stage last() {
            return stages.getLast();
        }

        Stage stage(int index) {
            return stages.stream().filter(stage -> stage.index() == index).findFirst().orElseThrow();
        }

        int steps() {
            return stages.stream().mapToInt(stage -> stage.steps().size()).sum();
        }
    }

    /** Finds out what is to be built; may have images first. */
    @FunctionalInterface
    interface Preparation {
        Order order(SourceResolver.Waiting waiting);
    }

    /** Ends the build with what is to be told. */
    private static final class StepFailed extends Exception {
        private static final long serialVersionUID = 1;

        private final transient Build.Failure failure;

        StepFailed(Build.Failure failure) {
            super(failure.message());
            this.failure = failure;
        }
    }

    private final Ticket ticket;
    private final BuildTools tools;
    private final Instant createdAt;
    private final BuildLogBuffer log = new BuildLogBuffer();
    private final CompletableFuture<Void> cancelled = new CompletableFuture<>();
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private volatile BuildStatus status = BuildStatus.QUEUED;
    private volatile Optional<Build.Failure> failure = Optional.empty();
    private volatile Optional<Instant> endedAt = Optional.empty();
    private volatile int step;
    private volatile int steps;
    private volatile Optional<String> templateKey;
    private volatile @Nullable BuildSandbox sandbox;
    /** The key of the step that the sandbox's disk has done last; the running thread's own. */
    private String onDisk = "";

    /** @param known the order when it is known already */
    BuildRun(Ticket ticket, Optional<Order> known, BuildTools tools) {
        this.ticket = ticket;
        this.steps = known.map(Order::steps).orElse(0);
        this.templateKey = known.map(Order::templateKey);
        this.tools = tools;
        this.createdAt = tools.clock().instant();
    }

    Ticket ticket() {
        return ticket;
    }

    /** Empty before it is known. */
    Optional<String> templateKey() {
        return templateKey;
    }

    Build view() {
        return new Build(
                ticket.id(), ticket.project(), ticket.name(), status, failure, step, steps, log.length(), createdAt, endedAt);
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
            LOG.trace("build {} goes on", ticket.id());
        } catch (ExecutionException e) {
            throw new IllegalStateException("an end is no failure", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UnavailableException("interrupted while waiting for build " + ticket.id(), e);
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
    void run(Semaphore turns, Preparation preparation) {
        turns.acquireUninterruptibly();
        try {
            if (cancelled.isDone()) {
                end(BuildStatus.CANCELLED, Optional.empty());
                return;
            }
            status = BuildStatus.RUNNING;
            build(preparation);
            end(BuildStatus.SUCCEEDED, Optional.empty());
        } catch (StepFailed e) {
            end(BuildStatus.FAILED, Optional.of(e.failure));
        } catch (AtollException e) {
            end(BuildStatus.FAILED, Optional.of(failure(String.valueOf(e.getMessage()))));
        } catch (RuntimeException | Error e) {
            // Whatever it was, whoever waits for the build is told.
            LOG.error("build {} failed", ticket.id(), e);
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
        LOG.info("build {} of project {}: {}", ticket.id(), ticket.project().value(), last);
        endedAt = Optional.of(tools.clock().instant());
        status = last;
        log.end();
        ended.complete(null);
    }

    private void build(Preparation preparation) throws StepFailed {
        Order order = preparation.order(new SourceResolver.Waiting(log::append, cancelled::isDone));
        refuseIfCancelled();
        templateKey = Optional.of(order.templateKey());
        steps = order.steps();
        Optional<Template> there =
                ticket.force() ? Optional.empty() : tools.catalog().built(ticket.project(), order.templateKey());
        Map<Integer, Integer> toRun = there.isPresent() ? Map.of() : toRun(order);
        Instant deadline = tools.clock().instant().plus(LONGEST);
        for (Stage stage : order.stages()) {
            Optional<Integer> first = Optional.ofNullable(toRun.get(stage.index()));
            stage(order, stage, first.orElse(stage.steps().size()), deadline);
        }
        publish(order, there);
    }

    private void stage(Order order, Stage stage, int cached, Instant deadline) throws StepFailed {
        try {
            for (int i = 0; i < stage.steps().size(); i++) {
                Step next = stage.steps().get(i);
                step++;
                log.append("Step " + step + "/" + steps + " : " + next.heading() + "\n");
                if (step == 1) {
                    order.unusedArgs().stream().sorted()
                            .forEach(name -> log.append("build argument " + name + " is declared by no ARG\n"));
                }
                if (i == 0) {
                    tellBase(stage);
                }
                if (next.work().isPresent()) {
                    if (i < cached) {
                        log.append(" ---> cached\n");
                    } else {
                        work(order, stage, i, next, next.work().get(), deadline);
                    }
                }
            }
        } finally {
            BuildSandbox last = sandbox;
            sandbox = null;
            onDisk = "";
            if (last != null) {
                last.close();
            }
        }
    }

    private void tellBase(Stage stage) {
        if (stage.under().isEmpty()) {
            stage.base().alias().ifPresent(pattern -> log.append(
                    " ---> stands for template " + stage.base().template() + " by images.alias " + pattern + "\n"));
        }
    }

    /**
     * Which stages have steps to run, and the first of these: the last stage, and those that such steps of
     * later ones stand on or take files from. Of the others nothing is needed but what is kept.
     */
    private Map<Integer, Integer> toRun(Order order) {
        Map<Integer, Integer> first = new HashMap<>();
        Set<Integer> needed = new HashSet<>(Set.of(order.last().index()));
        for (Stage stage : order.stages().reversed()) {
            if (!needed.contains(stage.index())) {
                continue;
            }
            int cached = cachedSteps(stage);
            first.put(stage.index(), cached);
            List<Work> left = stage.steps().stream().skip(cached).flatMap(s -> s.work().stream()).toList();
            if (cached == 0) {
                stage.under().ifPresent(needed::add);
            }
            for (Work work : left) {
                if (work instanceof BuildPlan.CopyFrom copy && copy.from() instanceof BuildPlan.Base.OfStage(int index)) {
                    needed.add(index);
                }
            }
        }
        return first;
    }

    /** How many steps of a stage from the first on need not be run. */
    private int cachedSteps(Stage stage) {
        if (ticket.force()) {
            return 0;
        }
        for (int i = stage.keys().size(); i > 0; i--) {
            if (stage.steps().get(i - 1).work().isPresent()
                    && tools.cache().find(stage.keys().get(i - 1)).isPresent()) {
                tools.cache().used(stage.keys().subList(0, i));
                return i;
            }
        }
        return 0;
    }

    /** Runs a step, or waits for another build that runs the same. */
    private void work(Order order, Stage stage, int index, Step next, Work work, Instant deadline) throws StepFailed {
        String key = stage.keys().get(index);
        while (true) {
            refuseIfCancelled();
            Optional<CompletableFuture<Void>> other = tools.cache().turn(key);
            if (other.isEmpty()) {
                break;
            }
            log.append(" ---> another build runs this step\n");
            CompletableFuture.anyOf(other.get(), cancelled).join();
            if (!ticket.force() && tools.cache().find(key).isPresent()) {
                log.append(" ---> cached\n");
                return;
            }
        }
        try {
            carryOut(order, stage, index, next, work, deadline);
        } finally {
            tools.cache().done(key);
        }
    }

    private void refuseIfCancelled() throws StepFailed {
        if (cancelled.isDone()) {
            throw new StepFailed(failure("cancelled"));
        }
    }

    private void carryOut(Order order, Stage stage, int index, Step next, Work work, Instant deadline) throws StepFailed {
        String parent = index == 0 ? stage.begin() : stage.keys().get(index - 1);
        Optional<SnapshotId> from = tools.cache().find(parent).map(BuildStepRecord::snapshot);
        from.ifPresent(tools.cache()::pin);
        long logged = log.length();
        try {
            BuildSandbox box = sandboxOn(order, stage, parent);
            box.boot(from.<DiskSource>map(DiskSource.OfSnapshot::new)
                    .orElseGet(() -> stage.base().disk(order.resources().diskBytes())));
            refuseIfCancelled();
            box.makeDirectories(work.directories());
            switch (work) {
                case BuildPlan.Run run -> run(box, order, next, run, deadline, logged);
                case BuildPlan.Copy copy -> box.copy(copy);
                case BuildPlan.CopyFrom copy -> copyFrom(box, order, copy);
            }
            tools.killPoints().reached(KillPoint.BUILD_STEP_RUN);
            keep(box, stage, index);
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

    /** Copies from a sandbox on what a stage left, or on an image, that runs nothing and is gone afterwards. */
    private void copyFrom(BuildSandbox box, Order order, BuildPlan.CopyFrom copy) {
        SourceResolver.Resolved base = switch (copy.from()) {
            case BuildPlan.Base.OfStage(int index) -> order.stage(index).base();
            case BuildPlan.Base.OfImage(String reference) -> Objects.requireNonNull(order.images().get(reference));
            case BuildPlan.Base.Scratch _ -> throw new IllegalStateException("no stage is called scratch");
        };
        Optional<SnapshotId> left = copy.from() instanceof BuildPlan.Base.OfStage(int index)
                ? tools.cache().find(order.stage(index).end()).map(BuildStepRecord::snapshot)
                : Optional.empty();
        left.ifPresent(tools.cache()::pin);
        try (BuildSandbox source = tools.sandboxOfFiles(ticket.project(), base.template(), order.resources(), base.layers())) {
            source.boot(left.<DiskSource>map(DiskSource.OfSnapshot::new)
                    .orElseGet(() -> base.disk(order.resources().diskBytes())));
            box.copyFrom(copy, source);
        } finally {
            left.ifPresent(tools.cache()::unpin);
        }
    }

    private static String at(Step step) {
        return "dockerfile line " + step.line() + ": " + step.heading() + ": ";
    }

    private BuildSandbox sandboxOn(Order order, Stage stage, String parent) {
        BuildSandbox box = sandbox;
        if (box == null) {
            box = tools.sandbox(ticket.project(), stage.base().template(), order.resources(), stage.base().layers());
            sandbox = box;
        } else if (!onDisk.equals(parent)) {
            box.forgetDisk();
        }
        return box;
    }

    private void run(
            BuildSandbox box, Order order, Step next, BuildPlan.Run run, Instant deadline, long logged) throws StepFailed {
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

    private void keep(BuildSandbox box, Stage stage, int index) {
        String key = stage.keys().get(index);
        SnapshotId snapshot = tools.cache().begin();
        try {
            SnapshotMade made = box.keep(snapshot);
            tools.killPoints().reached(KillPoint.BUILD_STEP_KEPT);
            tools.cache().keep(key, ticket.project(), snapshot, stage.base().layers(), made.used());
            onDisk = key;
        } catch (RuntimeException e) {
            tools.cache().abandon(snapshot);
            throw e;
        }
    }

    /** Enters the template; what it stands on is the base's layers and at most one more. */
    private void publish(Order order, Optional<Template> there) throws StepFailed {
        SourceResolver.Resolved base = order.last().base();
        if (there.isPresent()) {
            enter(order, there.get().layers(), there.get().sizeBytes());
        } else if (tools.cache().find(order.last().end()).isPresent()) {
            BuildCache.Made made = tools.cache()
                    .layerOf(order.last().end(), () -> tools.killPoints().reached(KillPoint.BUILD_LAYER_MADE));
            enter(order, with(base, made), made.bytes());
        } else if (base.snapshot().isPresent()) {
            var unused = tools.cache().makeLayer(
                    base.snapshot().get().id(),
                    (layer, bytes) -> enter(order, with(base, new BuildCache.Made(layer, bytes)), bytes));
        } else if (base.layers().isEmpty()) {
            throw new StepFailed(failure("nothing is in this template: FROM scratch, and no step that adds a file"));
        } else {
            enter(order, base.layers(), 0);
        }
        tools.killPoints().reached(KillPoint.BUILD_COMMITTED);
        log.append("Template " + ticket.name().orElse(ticket.id().value()) + " is ready.\n");
    }

    private static List<LayerId> with(SourceResolver.Resolved base, BuildCache.Made made) {
        var layers = new ArrayList<>(base.layers());
        layers.add(made.layer());
        return layers;
    }

    private void enter(Order order, List<LayerId> layers, long bytes) {
        tools.catalog().enter(
                new Template(
                        ticket.id(), ticket.name().orElse(ticket.id().value()), Optional.of(ticket.project()), layers,
                        order.config(), bytes, false, List.of(), tools.clock().instant()),
                order.templateKey());
    }
}
