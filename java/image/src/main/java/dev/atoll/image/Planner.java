package dev.atoll.image;

import dev.atoll.domain.ContextFile;
import dev.atoll.domain.CreateSandbox;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.Template;
import dev.atoll.image.BuildPlan.Base;
import dev.atoll.image.BuildPlan.Step;
import dev.atoll.image.BuildPlan.Work;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Pattern;

/** Goes through the instructions once and keeps what they mean for those after them. */
final class Planner {
    private static final List<String> DEFAULT_SHELL = List.of("/bin/sh", "-c");
    private static final Pattern PORT = Pattern.compile("\\d{1,5}(-\\d{1,5})?(/(tcp|udp|sctp))?");
    /** What Docker passes to RUN without an ARG: https://docs.docker.com/reference/dockerfile/#predefined-args */
    private static final Set<String> PREDEFINED = Set.of(
            "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "FTP_PROXY", "ftp_proxy", "NO_PROXY", "no_proxy",
            "ALL_PROXY", "all_proxy");

    private final Map<String, String> args;
    private final Map<String, String> global;
    private final CopySources sources;
    private final Function<Instruction.Copy, Base> bases;
    private final List<String> directories = new ArrayList<>();
    /** Arguments in force: declared so far in this stage. */
    private final Map<String, String> declared = new HashMap<>();
    private final Set<String> used = new HashSet<>();
    private final Map<String, String> env;
    private final Map<String, String> labels;
    private final Set<String> ports;
    private String user;
    private String workdir;
    private List<String> entrypoint;
    private List<String> command;
    private boolean ownCommand;
    private List<String> shell;

    /** @param bases what COPY takes its files from that names a stage or an image */
    Planner(
            Template.Config base,
            Map<String, String> args,
            Map<String, String> global,
            List<ContextFile> context,
            Function<Instruction.Copy, Base> bases) {
        this.bases = bases;
        this.args = args;
        this.global = global;
        sources = new CopySources(context);
        env = new HashMap<>(base.env());
        labels = new HashMap<>(base.labels());
        ports = new TreeSet<>(base.exposedPorts());
        user = base.user();
        workdir = base.workdir();
        entrypoint = base.entrypoint();
        command = base.command();
        shell = base.shell();
        args.forEach((name, value) -> {
            if (PREDEFINED.contains(name)) {
                declared.put(name, value);
                used.add(name);
            }
        });
    }

    BuildPlan plan(Instruction.From from, List<Instruction.Arg> before, List<Instruction> instructions) {
        before.forEach(arg -> used.add(arg.name()));
        var steps = new ArrayList<Step>();
        steps.add(new Step(from.line(), from.heading(), Optional.empty()));
        for (Instruction instruction : instructions) {
            steps.add(new Step(instruction.line(), instruction.heading(), work(instruction)));
        }
        return new BuildPlan(
                steps, new Template.Config(env, user, workdir, entrypoint, command, shell, labels, ports), used);
    }

    private Optional<Work> work(Instruction instruction) {
        Variables variables = new Variables(instruction.line(), value());
        switch (instruction) {
            case Instruction.Run run -> {
                return Optional.of(new BuildPlan.Run(
                        takeDirectories(), run.command().argv(shell()), runEnv(), user, absolute(workdir)));
            }
            case Instruction.Copy copy when copy.from().isPresent() -> {
                return Optional.of(from(copy, variables));
            }
            case Instruction.Copy copy -> {
                List<BuildPlan.Placed> placed = sources.place(copy, variables, path -> resolve(path));
                return Optional.of(new BuildPlan.Copy(takeDirectories(), placed, copy.chown().map(variables::one)));
            }
            case Instruction.Env pairs -> {
                Map<String, String> added = variables.pairs(pairs.pairs());
                check(pairs, added);
                env.putAll(added);
            }
            case Instruction.Label pairs -> labels.putAll(variables.pairs(pairs.pairs()));
            case Instruction.Arg arg -> declare(arg, variables);
            case Instruction.Workdir to -> {
                workdir = resolve(variables.one(to.path()));
                directories.add(workdir);
            }
            case Instruction.User as -> user = variables.one(as.user()).strip();
            case Instruction.Cmd cmd -> {
                command = cmd.command().argv(shell());
                ownCommand = true;
            }
            case Instruction.Entrypoint point -> {
                entrypoint = point.command().argv(shell());
                // A command that came with the base was meant for the base's entrypoint.
                command = ownCommand ? command : List.of();
            }
            case Instruction.Noted _ -> {}
            case Instruction.Shell with -> shell = with.argv();
            case Instruction.Expose expose -> ports.addAll(portsOf(expose, variables));
            case Instruction.From other -> throw new IllegalStateException("a second FROM at line " + other.line());
        }
        return Optional.empty();
    }

    private Work from(Instruction.Copy copy, Variables variables) {
        String written = variables.one(copy.destination());
        List<String> from = copy.sources().stream().map(variables::one).map(source -> "/" + CopySources.normal(source)).toList();
        return new BuildPlan.CopyFrom(
                takeDirectories(), bases.apply(copy), from, resolve(written), CopySources.isDirectory(written, from.size()),
                copy.chown().map(variables::one), copy.chmod());
    }

    /** What is known of the machine without being given, when an ARG asks for it. */
    static Map<String, String> platform() {
        String arch = switch (System.getProperty("os.arch")) {
            case "x86_64" -> "amd64";
            case "aarch64" -> "arm64";
            case String other -> other;
        };
        Map<String, String> platform = new HashMap<>();
        for (String side : List.of("TARGET", "BUILD")) {
            platform.put(side + "PLATFORM", "linux/" + arch);
            platform.put(side + "OS", "linux");
            platform.put(side + "ARCH", arch);
        }
        return platform;
    }

    private static void check(Instruction.Env instruction, Map<String, String> added) {
        try {
            CreateSandbox.checkEnv(added);
        } catch (InvalidFieldException e) {
            throw DockerfileParser.invalid(instruction.line(), instruction.heading(), e.allowed());
        }
    }

    private void declare(Instruction.Arg arg, Variables variables) {
        used.add(arg.name());
        Optional.ofNullable(args.get(arg.name()))
                .or(() -> arg.value().map(variables::one))
                .or(() -> Optional.ofNullable(global.get(arg.name())))
                .ifPresent(value -> declared.put(arg.name(), value));
    }

    private static List<String> portsOf(Instruction.Expose expose, Variables variables) {
        List<String> ports = variables.split(expose.ports());
        for (String port : ports) {
            if (!PORT.matcher(port).matches()) {
                throw DockerfileParser.invalid(expose.line(), port, "<port>[-<port>][/tcp|/udp|/sctp]");
            }
        }
        return ports.stream().map(port -> port.indexOf('/') < 0 ? port + "/tcp" : port).toList();
    }

    /** An ENV wins over an ARG of its name, whatever their order. */
    private Function<String, Optional<String>> value() {
        return name -> Optional.ofNullable(env.get(name)).or(() -> Optional.ofNullable(declared.get(name)));
    }

    private Map<String, String> runEnv() {
        Map<String, String> all = new HashMap<>(declared);
        all.putAll(env);
        return all;
    }

    private List<String> shell() {
        return shell.isEmpty() ? DEFAULT_SHELL : shell;
    }

    private List<String> takeDirectories() {
        List<String> taken = List.copyOf(directories);
        directories.clear();
        return taken;
    }

    private static String absolute(String directory) {
        return directory.isEmpty() ? "/" : directory;
    }

    /** Relative paths start from the working directory; {@code .} and {@code ..} are resolved by their text. */
    private String resolve(String path) {
        var parts = new ArrayList<String>();
        String whole = path.startsWith("/") ? path : absolute(workdir) + "/" + path;
        for (String part : whole.split("/")) {
            if (part.equals("..")) {
                if (!parts.isEmpty()) {
                    parts.removeLast();
                }
            } else if (!part.isEmpty() && !part.equals(".")) {
                parts.add(part);
            }
        }
        return "/" + String.join("/", parts);
    }
}
