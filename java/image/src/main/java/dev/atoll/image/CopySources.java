package dev.atoll.image;

import dev.atoll.domain.ContextFile;
import dev.atoll.domain.NotFoundException;
import dev.atoll.image.BuildPlan.Placed;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * Finds the files that a COPY means in the context. A source is a file, a directory, whose content is
 * copied and not itself, or a pattern with {@code * ? [ ]} that does not cross directories. Paths are
 * relative to the context's root whatever they begin with; {@code ..} does not leave it.
 */
final class CopySources {
    private final Map<String, ContextFile> files = new LinkedHashMap<>();

    CopySources(List<ContextFile> context) {
        context.forEach(file -> files.put(file.path(), file));
    }

    /** @param resolve makes a destination absolute */
    List<Placed> place(Instruction.Copy copy, Variables variables, UnaryOperator<String> resolve) {
        String written = variables.one(copy.destination());
        List<String> sources = copy.sources().stream().map(variables::one).toList();
        boolean into = written.endsWith("/") || written.equals(".") || written.endsWith("/.") || sources.size() > 1;
        String destination = resolve.apply(written);
        var placed = new ArrayList<Placed>();
        for (String source : sources) {
            int before = placed.size();
            add(copy, normal(source), destination, into, placed);
            if (placed.size() == before) {
                throw new NotFoundException("file", source, "dockerfile line " + copy.line()
                        + ": it is not among the " + files.size() + " files of the build's context");
            }
        }
        return placed;
    }

    private void add(Instruction.Copy copy, String source, String destination, boolean into, List<Placed> placed) {
        ContextFile file = files.get(source);
        if (file != null) {
            placed.add(placed(copy, file, into ? below(destination, nameOf(source)) : destination));
            return;
        }
        if (source.chars().anyMatch(c -> c == '*' || c == '?' || c == '[')) {
            addMatching(copy, source, destination, placed);
            return;
        }
        String prefix = source.isEmpty() ? "" : source + "/";
        files.forEach((path, below) -> {
            if (path.startsWith(prefix)) {
                placed.add(placed(copy, below, below(destination, path.substring(prefix.length()))));
            }
        });
    }

    /** Files, and directories of the same depth with all that is in them. */
    private void addMatching(Instruction.Copy copy, String pattern, String destination, List<Placed> placed) {
        PathMatcher matcher = FileSystems.getDefault().getPathMatcher("glob:" + pattern);
        int depth = Path.of(pattern).getNameCount();
        files.forEach((path, file) -> {
            Path whole = Path.of(path);
            if (whole.getNameCount() < depth || !matcher.matches(whole.subpath(0, depth))) {
                return;
            }
            String rest = whole.getNameCount() == depth
                    ? nameOf(path)
                    : whole.subpath(depth, whole.getNameCount()).toString();
            placed.add(placed(copy, file, below(destination, rest)));
        });
    }

    private static Placed placed(Instruction.Copy copy, ContextFile file, String path) {
        return new Placed(path, copy.chmod().orElse(file.mode()), file);
    }

    private static String below(String directory, String name) {
        return directory.equals("/") ? "/" + name : directory + "/" + name;
    }

    private static String nameOf(String path) {
        return path.substring(path.lastIndexOf('/') + 1);
    }

    private static String normal(String source) {
        var parts = new ArrayList<String>();
        for (String part : source.split("/")) {
            if (part.equals("..") && !parts.isEmpty()) {
                parts.removeLast();
            } else if (!part.isEmpty() && !part.equals(".") && !part.equals("..")) {
                parts.add(part);
            }
        }
        return String.join("/", parts);
    }
}
