package dev.atoll.image;

import dev.atoll.domain.ContextFile;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.Template;
import dev.atoll.domain.UnsupportedException;
import dev.atoll.image.Instruction.Arg;
import dev.atoll.image.Instruction.From;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A Dockerfile of one stage: ARG instructions, FROM, and the instructions on it. Immutable.
 *
 * <p>Errors are {@link InvalidFieldException} for what is written wrongly and
 * {@link UnsupportedException} for what is not offered; both name the line.
 */
public final class Dockerfile {
    private final List<Arg> global;
    private final From from;
    private final List<Instruction> instructions;

    private Dockerfile(List<Arg> global, From from, List<Instruction> instructions) {
        this.global = global;
        this.from = from;
        this.instructions = instructions;
    }

    public static Dockerfile parse(String text) {
        var global = new ArrayList<Arg>();
        var instructions = new ArrayList<Instruction>();
        var from = new ArrayList<From>();
        for (Instruction instruction : DockerfileParser.parse(text)) {
            switch (instruction) {
                case From next -> from.add(next);
                case Arg arg when from.isEmpty() -> global.add(arg);
                case Instruction other when from.isEmpty() ->
                    throw DockerfileParser.invalid(other.line(), other.heading(), "FROM before other instructions than ARG");
                case Instruction other -> instructions.add(other);
            }
        }
        if (from.isEmpty()) {
            throw new InvalidFieldException("dockerfile", text, "text with a FROM line");
        }
        if (from.size() > 1) {
            throw new UnsupportedException("dockerfile line " + from.get(1).line()
                    + ": a second FROM is not supported; allowed: one stage");
        }
        return new Dockerfile(global, from.getFirst(), instructions);
    }

    /** What FROM names, with the variables of the ARG instructions before it. @param args the build's arguments */
    public String base(Map<String, String> args) {
        Map<String, String> declared = declared(args);
        return new Variables(from.line(), name -> Optional.ofNullable(declared.get(name))).one(from.image());
    }

    private Map<String, String> declared(Map<String, String> args) {
        Map<String, String> declared = new HashMap<>();
        for (Arg arg : global) {
            String given = args.get(arg.name());
            var variables = new Variables(arg.line(), name -> Optional.ofNullable(declared.get(name)));
            Optional.ofNullable(given)
                    .or(() -> arg.value().map(variables::one))
                    .ifPresent(value -> declared.put(arg.name(), value));
        }
        return declared;
    }

    /** Whether nothing is built on the base. */
    public boolean isBaseOnly() {
        return instructions.isEmpty();
    }

    /**
     * What is to be done on a base.
     *
     * @param config of the base
     * @throws dev.atoll.domain.NotFoundException naming the first COPY source that is not in the context
     */
    public BuildPlan plan(Template.Config config, Map<String, String> args, List<ContextFile> context) {
        return new Planner(config, args, declared(args), context).plan(from, global, instructions);
    }
}
