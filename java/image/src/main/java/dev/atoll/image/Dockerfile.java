package dev.atoll.image;

import dev.atoll.domain.ContextFile;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.Template;
import dev.atoll.image.BuildPlan.Base;
import dev.atoll.image.Instruction.Arg;
import dev.atoll.image.Instruction.From;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A Dockerfile: ARG instructions, and stages, each a FROM and the instructions on it. Immutable.
 *
 * <p>Errors are {@link InvalidFieldException} for what is written wrongly and
 * {@link dev.atoll.domain.UnsupportedException} for what is not offered; both name the line.
 */
public final class Dockerfile {
    private static final int MOST_STAGES = 100;

    private final List<Arg> global;
    private final List<Stage> stages;

    private record Stage(From from, List<Instruction> instructions) {}

    private Dockerfile(List<Arg> global, List<Stage> stages) {
        this.global = global;
        this.stages = stages;
    }

    public static Dockerfile parse(String text) {
        var global = new ArrayList<Arg>();
        var stages = new ArrayList<Stage>();
        for (Instruction instruction : DockerfileParser.parse(text)) {
            switch (instruction) {
                case From next -> stages.add(new Stage(next, new ArrayList<>()));
                case Arg arg when stages.isEmpty() -> global.add(arg);
                case Instruction other when stages.isEmpty() ->
                    throw DockerfileParser.invalid(other.line(), other.heading(), "FROM before other instructions than ARG");
                case Instruction other -> stages.getLast().instructions().add(other);
            }
        }
        if (stages.isEmpty()) {
            throw new InvalidFieldException("dockerfile", text, "text with a FROM line");
        }
        InvalidFieldException.requireRange("dockerfile.stages", stages.size(), 1, MOST_STAGES);
        return new Dockerfile(global, stages);
    }

    /** How many stages there are; the last is what is built. */
    public int stages() {
        return stages.size();
    }

    /** Those that the last one needs, in their order, itself included. @param args the build's arguments */
    public List<Integer> needed(Map<String, String> args) {
        Set<Integer> needed = new HashSet<>(Set.of(stages.size() - 1));
        for (int i = stages.size() - 1; i >= 0; i--) {
            if (needed.contains(i)) {
                for (Base base : uses(i, args)) {
                    if (base instanceof Base.OfStage(int index)) {
                        needed.add(index);
                    }
                }
            }
        }
        return needed.stream().sorted().toList();
    }

    /** What a stage takes from elsewhere: its base first, then what COPY names. */
    public Set<Base> uses(int stage, Map<String, String> args) {
        Set<Base> uses = new LinkedHashSet<>();
        uses.add(base(stage, args));
        for (Instruction instruction : stages.get(stage).instructions()) {
            if (instruction instanceof Instruction.Copy copy && copy.from().isPresent()) {
                uses.add(source(stage, copy));
            }
        }
        return uses;
    }

    /** What FROM names, with the variables of the ARG instructions before the first. */
    public Base base(int stage, Map<String, String> args) {
        From from = stages.get(stage).from();
        Map<String, String> declared = declared(args);
        String name = new Variables(from.line(), n -> Optional.ofNullable(declared.get(n))).one(from.image());
        if (name.isBlank()) {
            throw DockerfileParser.invalid(from.line(), from.heading(), "an image that is not the empty text");
        }
        if (name.equals("scratch")) {
            return new Base.Scratch();
        }
        return named(stage, name).<Base>map(Base.OfStage::new).orElseGet(() -> new Base.OfImage(name));
    }

    /** The last earlier stage of this name. */
    private Optional<Integer> named(int before, String name) {
        for (int i = before - 1; i >= 0; i--) {
            if (stages.get(i).from().name().equals(Optional.of(name.toLowerCase(Locale.ROOT)))) {
                return Optional.of(i);
            }
        }
        return Optional.empty();
    }

    private Base source(int stage, Instruction.Copy copy) {
        String from = copy.from().orElseThrow();
        if (from.matches("\\d{1,3}")) {
            int index = Integer.parseInt(from);
            if (index >= stage) {
                throw DockerfileParser.invalid(copy.line(), copy.heading(), "--from of an earlier stage, 0 to " + (stage - 1));
            }
            return new Base.OfStage(index);
        }
        return named(stage, from).<Base>map(Base.OfStage::new).orElseGet(() -> new Base.OfImage(from));
    }

    private Map<String, String> declared(Map<String, String> args) {
        Map<String, String> declared = new HashMap<>(Planner.platform());
        for (Arg arg : global) {
            String given = args.get(arg.name());
            var variables = new Variables(arg.line(), name -> Optional.ofNullable(declared.get(name)));
            Optional.ofNullable(given)
                    .or(() -> arg.value().map(variables::one))
                    .ifPresent(value -> declared.put(arg.name(), value));
        }
        return declared;
    }

    /**
     * What a stage does on its base.
     *
     * @param config of the base
     * @throws dev.atoll.domain.NotFoundException naming the first COPY source that is not in the context
     */
    public BuildPlan plan(int stage, Template.Config config, Map<String, String> args, List<ContextFile> context) {
        Stage of = stages.get(stage);
        return new Planner(config, args, declared(args), context, copy -> source(stage, copy))
                .plan(of.from(), global, of.instructions());
    }
}
