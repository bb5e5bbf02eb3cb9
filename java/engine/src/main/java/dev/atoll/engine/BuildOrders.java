package dev.atoll.engine;

import dev.atoll.domain.BuildTemplate;
import dev.atoll.domain.NotFoundException;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Resources;
import dev.atoll.domain.Source;
import dev.atoll.domain.Template;
import dev.atoll.domain.TemplateId;
import dev.atoll.domain.UnsupportedException;
import dev.atoll.engine.SourceResolver.Resolved;
import dev.atoll.engine.SourceResolver.Waiting;
import dev.atoll.image.BuildPlan;
import dev.atoll.image.BuildPlan.Base;
import dev.atoll.image.Dockerfile;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** From what somebody asks for to what is to be built: bases found, stages planned, steps named. One use. */
final class BuildOrders {
    /** The warden's bound of layers below one sandbox. */
    private static final int MOST_LAYERS = 64;

    private final ProjectId project;
    private final BuildTemplate spec;
    private final SourceResolver sources;
    private final Resources defaults;
    private final Ids ids;
    private final Dockerfile file;
    private final List<Integer> needed;
    private final Map<String, String> secretEnv;
    private final BuildKeys keys;

    BuildOrders(
            ProjectId project, BuildTemplate spec, SourceResolver sources, SecretService secrets, Resources defaults, Ids ids) {
        this.project = project;
        this.spec = spec;
        this.sources = sources;
        this.defaults = defaults;
        this.ids = ids;
        file = Dockerfile.parse(spec.dockerfile());
        needed = file.needed(spec.args());
        secretEnv = secrets.resolve(project, spec.secrets());
        keys = new BuildKeys(project, secretEnv.isEmpty() ? "" : secrets.digest(secretEnv));
    }

    /** Names all that is asked for. */
    String request() {
        return keys.request(spec);
    }

    /**
     * The order when every base is here; empty when one has to be had first.
     *
     * @throws NotFoundException when a base, a file of COPY or a secret does not exist
     */
    Optional<BuildRun.Order> ready() {
        Map<String, Resolved> found = new HashMap<>();
        for (String reference : references()) {
            Optional<Resolved> here = sources.find(project, source(reference));
            if (here.isEmpty()) {
                return Optional.empty();
            }
            found.put(reference, here.get());
        }
        return Optional.of(order(found::get));
    }

    /** The order, after the bases were had that are not here. */
    BuildRun.Order order(Waiting waiting) {
        Map<String, Resolved> found = references().stream()
                .collect(Collectors.toMap(reference -> reference, reference -> sources.resolve(project, source(reference), waiting)));
        return order(found::get);
    }

    private Set<String> references() {
        return needed.stream()
                .flatMap(stage -> file.uses(stage, spec.args()).stream())
                .flatMap(base -> base instanceof Base.OfImage(String reference) ? Stream.of(reference) : Stream.empty())
                .collect(Collectors.toSet());
    }

    private Source source(String reference) {
        Source named = spec.bases().get(reference);
        return named != null ? named : new Source.OfImage(reference);
    }

    /** A stage as it is to be built, and what it says about processes. */
    private record Planned(BuildRun.Stage stage, Template.Config config, Set<String> usedArgs) {}

    private BuildRun.Order order(Function<String, Resolved> images) {
        var planned = new ArrayList<Planned>();
        Map<String, Resolved> named = new HashMap<>();
        for (int index : needed) {
            planned.add(plan(index, planned, images, named));
        }
        Planned last = planned.getLast();
        Set<String> unused = new HashSet<>(spec.args().keySet());
        planned.forEach(p -> unused.removeAll(p.usedArgs()));
        return new BuildRun.Order(
                planned.stream().map(Planned::stage).toList(), named, last.config(), unused,
                keys.template(last.stage().end(), last.config()), secretEnv, resources(last.stage().base()));
    }

    private Planned plan(int index, List<Planned> before, Function<String, Resolved> images, Map<String, Resolved> named) {
        Base on = file.base(index, spec.args());
        Optional<Planned> under = on instanceof Base.OfStage(int stage) ? Optional.of(stage(before, stage)) : Optional.empty();
        Resolved base = switch (on) {
            case Base.Scratch _ -> nothing();
            case Base.OfImage(String reference) -> images.apply(reference);
            case Base.OfStage(int stage) -> stage(before, stage).stage().base();
        };
        refuseTooManyLayers(base);
        BuildPlan plan = file.plan(index, under.map(Planned::config).orElse(base.config()), spec.args(), spec.context());
        String begin = under.map(p -> p.stage().end()).orElseGet(() -> key(base));
        var stage = new BuildRun.Stage(
                index, base, begin, under.map(p -> p.stage().index()), plan.steps(), stepKeys(plan, begin, before, images, named));
        return new Planned(stage, plan.config(), plan.usedArgs());
    }

    private static Planned stage(List<Planned> planned, int index) {
        return planned.stream().filter(p -> p.stage().index() == index).findFirst().orElseThrow();
    }

    private List<String> stepKeys(
            BuildPlan plan, String begin, List<Planned> before, Function<String, Resolved> images, Map<String, Resolved> named) {
        var stepKeys = new ArrayList<String>();
        String last = begin;
        for (BuildPlan.Step step : plan.steps()) {
            if (step.work().isPresent()) {
                BuildPlan.Work work = step.work().get();
                last = keys.step(last, work, work instanceof BuildPlan.CopyFrom copy ? from(copy, before, images, named) : "");
            }
            stepKeys.add(last);
        }
        return stepKeys;
    }

    /** What a COPY takes its files from, as a key; images are noted. */
    private String from(
            BuildPlan.CopyFrom copy, List<Planned> before, Function<String, Resolved> images, Map<String, Resolved> named) {
        return switch (copy.from()) {
            case Base.OfStage(int index) -> stage(before, index).stage().end();
            case Base.OfImage(String reference) -> {
                Resolved image = images.apply(reference);
                named.put(reference, image);
                yield key(image);
            }
            case Base.Scratch _ -> throw new IllegalStateException("no stage is called scratch");
        };
    }

    private String key(Resolved base) {
        return keys.base(base.layers(), base.snapshot().map(s -> s.id()));
    }

    /** FROM scratch. */
    private Resolved nothing() {
        return new Resolved(
                new TemplateId(ids.next()), "scratch", Optional.empty(), List.of(),
                Template.Config.of(Map.of(), "", "/", List.of(), List.of()), Optional.empty(), Optional.empty());
    }

    private static void refuseTooManyLayers(Resolved base) {
        if (base.layers().size() >= MOST_LAYERS) {
            throw new UnsupportedException("the base has " + base.layers().size() + " layers and a build adds one; at most "
                    + MOST_LAYERS + " are supported: put the instructions of several builds into one");
        }
    }

    private Resources resources(Resolved base) {
        long disk = base.snapshot().map(s -> s.sizeBytes()).orElse(spec.diskBytes().orElse(defaults.diskBytes()));
        return new Resources(
                spec.cpuMillis().orElse(defaults.cpuMillis()),
                spec.memoryBytes().orElse(defaults.memoryBytes()),
                disk,
                defaults.gpus());
    }
}
