package dev.atoll.image;

import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.UnsupportedException;
import dev.atoll.image.Instruction.Command;
import dev.atoll.image.LogicalLines.Document;
import dev.atoll.image.LogicalLines.Line;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/** Reads the instructions of a Dockerfile, one logical line each. */
final class DockerfileParser {
    static final String ALLOWED =
            "FROM, RUN, COPY, ADD, ENV, ARG, WORKDIR, USER, CMD, ENTRYPOINT, SHELL, LABEL, EXPOSE, VOLUME, STOPSIGNAL,"
                    + " HEALTHCHECK and MAINTAINER";

    private static final JsonMapper JSON = JsonMapper.shared();
    private static final TypeReference<List<String>> TEXTS = new TypeReference<>() {};
    private static final Pattern FLAG = Pattern.compile("--([a-z-]+)(?:=(\\S*))?\\s+");
    private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");
    /** Also what git is asked for. */
    private static final Pattern REMOTE = Pattern.compile("(?:[a-z+]+://|git@)");
    private static final Pattern STAGE = Pattern.compile("[A-Za-z][A-Za-z0-9_.-]*");
    private static final Pattern BLANKS = Pattern.compile("\\s+");
    private static final int LONGEST_HEADING = 200;

    private DockerfileParser() {}

    static List<Instruction> parse(String text) {
        return LogicalLines.of(text).stream().map(DockerfileParser::instruction).toList();
    }

    private static Instruction instruction(Line line) {
        String[] parts = BLANKS.split(line.text(), 2);
        String keyword = parts[0].toUpperCase(Locale.ROOT);
        String rest = parts.length > 1 ? parts[1] : "";
        int number = line.number();
        String heading = cut(keyword + " " + rest.replace('\n', ' '));
        if (rest.isBlank()) {
            if (!ALLOWED.contains(keyword)) {
                throw unknown(number, keyword);
            }
            throw invalid(number, keyword, "arguments behind " + keyword);
        }
        return switch (keyword) {
            case "FROM" -> from(number, heading, rest);
            case "RUN" -> new Instruction.Run(number, heading, run(line, rest));
            case "COPY", "ADD" -> copy(line, heading, rest, keyword.equals("ADD"));
            case "VOLUME", "STOPSIGNAL", "HEALTHCHECK", "MAINTAINER" -> new Instruction.Noted(number, heading);
            case "ENV" -> new Instruction.Env(number, heading, rest);
            case "LABEL" -> new Instruction.Label(number, heading, rest);
            case "ARG" -> arg(number, heading, rest);
            case "WORKDIR" -> new Instruction.Workdir(number, heading, rest);
            case "USER" -> new Instruction.User(number, heading, rest);
            case "CMD" -> new Instruction.Cmd(number, heading, command(rest));
            case "ENTRYPOINT" -> new Instruction.Entrypoint(number, heading, command(rest));
            case "SHELL" -> new Instruction.Shell(number, heading, array(rest)
                    .filter(argv -> !argv.isEmpty())
                    .orElseThrow(() -> invalid(number, rest, "SHELL [\"program\", \"argument\", …]")));
            case "EXPOSE" -> new Instruction.Expose(number, heading, rest);
            default -> throw unknown(number, keyword);
        };
    }

    private static UnsupportedException unknown(int line, String keyword) {
        return new UnsupportedException(
                "dockerfile line " + line + ": instruction " + cut(keyword) + " is not supported; allowed: " + ALLOWED);
    }

    static InvalidFieldException invalid(int line, String text, String allowed) {
        return new InvalidFieldException("dockerfile", "line " + line + ": " + cut(text), allowed);
    }

    private static UnsupportedException unsupported(int line, String what) {
        return new UnsupportedException("dockerfile line " + line + ": " + what + " is not supported");
    }

    private static String cut(String text) {
        return text.length() > LONGEST_HEADING ? text.substring(0, LONGEST_HEADING) + "…" : text;
    }

    /** Options before the arguments, taken off the front. */
    private static String flags(int line, String rest, Map<String, String> into, Set<String> known) {
        Matcher flag = FLAG.matcher(rest);
        int end = 0;
        while (flag.find() && flag.start() == end) {
            if (!known.contains(flag.group(1))) {
                throw unsupported(line, "--" + flag.group(1));
            }
            into.put(flag.group(1), Optional.ofNullable(flag.group(2)).orElse(""));
            end = flag.end();
        }
        return rest.substring(end);
    }

    private static Instruction from(int line, String heading, String rest) {
        // The one platform there is here: what the option says cannot change anything.
        String image = flags(line, rest + " ", new HashMap<>(), Set.of("platform")).strip();
        List<String> words = BLANKS.splitAsStream(image).toList();
        boolean named = words.size() == 3 && words.get(1).equalsIgnoreCase("AS") && STAGE.matcher(words.get(2)).matches();
        if (words.size() != 1 && !named || words.getFirst().startsWith("--")) {
            throw invalid(line, rest, "FROM [--platform=<platform>] <image> [AS <name>]");
        }
        Optional<String> name = named ? Optional.of(words.get(2).toLowerCase(Locale.ROOT)) : Optional.empty();
        return new Instruction.From(line, heading, words.getFirst(), name);
    }

    private static Command run(Line line, String rest) {
        String text = flags(line.number(), rest, new HashMap<>(), Set.of());
        if (line.documents().isEmpty()) {
            return command(text);
        }
        Document only = line.documents().getFirst();
        if (line.documents().size() == 1 && text.strip().equals(only.marker())) {
            return new Command.OfShell(only.body());
        }
        var script = new StringBuilder(text).append('\n');
        line.documents().forEach(document -> script.append(document.body()).append(document.name()).append('\n'));
        return new Command.OfShell(script.toString());
    }

    private static Command command(String rest) {
        return array(rest).<Command>map(Command.OfExec::new).orElseGet(() -> new Command.OfShell(rest));
    }

    /** A JSON array of texts; what is none is a line for the shell, as Docker takes it. */
    private static Optional<List<String>> array(String rest) {
        if (!rest.startsWith("[")) {
            return Optional.empty();
        }
        try {
            return Optional.of(JSON.readValue(rest, TEXTS));
        } catch (JacksonException e) {
            return Optional.empty();
        }
    }

    private static Instruction copy(Line line, String heading, String rest, boolean unpacks) {
        var flags = new HashMap<String, String>();
        Set<String> known = unpacks ? Set.of("chown", "chmod", "link") : Set.of("chown", "chmod", "link", "from");
        String text = flags(line.number(), rest, flags, known);
        List<String> words = array(text).orElseGet(() -> BLANKS.splitAsStream(text.strip()).toList());
        if (words.size() < 2) {
            throw invalid(line.number(), rest, "COPY [--from=stage] [--chown=user[:group]] [--chmod=mode] source… destination");
        }
        List<String> sources = words.subList(0, words.size() - 1);
        if (unpacks && sources.stream().anyMatch(source -> REMOTE.matcher(source).lookingAt())) {
            throw unsupported(line.number(), "ADD from an address; allowed: files of the context, or RUN with curl; it");
        }
        return new Instruction.Copy(
                line.number(),
                heading,
                sources,
                words.getLast(),
                Optional.ofNullable(flags.get("from")),
                Optional.ofNullable(flags.get("chown")),
                Optional.ofNullable(flags.get("chmod")).map(mode -> mode(line.number(), mode)),
                line.documents(),
                unpacks);
    }

    private static int mode(int line, String text) {
        if (!text.matches("[0-7]{1,4}")) {
            throw invalid(line, "--chmod=" + text, "one to four octal digits");
        }
        return Integer.parseInt(text, 8);
    }

    private static Instruction arg(int line, String heading, String rest) {
        int equals = rest.indexOf('=');
        String name = equals < 0 ? rest.strip() : rest.substring(0, equals).strip();
        if (!NAME.matcher(name).matches()) {
            throw invalid(line, rest, "ARG <name>[=<default>]");
        }
        return new Instruction.Arg(
                line, heading, name, equals < 0 ? Optional.empty() : Optional.of(rest.substring(equals + 1).strip()));
    }
}
