package dev.atoll.image;

import dev.atoll.domain.BuildTemplate;
import dev.atoll.domain.ContextFile;
import dev.atoll.domain.InvalidFieldException;
import dev.atoll.domain.NotFoundException;
import dev.atoll.image.BuildPlan.Placed;
import dev.atoll.image.LogicalLines.Document;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * Finds the files that a COPY means in the context. A source is a file, a directory, whose content is
 * copied and not itself, a pattern with {@code * ? [ ]} that does not cross directories, or the marker of a
 * here-document. Paths are relative to the context's root whatever they begin with; {@code ..} does not
 * leave it.
 */
final class CopySources {
    private static final int DOCUMENT_MODE = 0644;

    private final Map<String, ContextFile> files = new LinkedHashMap<>();
    /** What one build may place, however often its lines name the same files: plans wait in memory for their turn. */
    private static final int MOST_PLACED = 2 * BuildTemplate.MOST_FILES;
    /** Of their paths together. */
    private static final long MOST_CHARACTERS = 16 << 20;

    private final Effort effort = new Effort("dockerfile");
    private int placed;
    private long characters;

    CopySources(List<ContextFile> context) {
        context.forEach(file -> files.put(file.path(), file));
    }

    /** Where the files of one instruction go. */
    private record Target(CopySources of, Instruction.Copy copy, String destination, boolean into, List<Placed> placed) {
        void place(ContextFile file, String path) {
            int mode = copy.chmod().filter(m -> file.kind() != ContextFile.Kind.LINK).orElse(file.mode());
            // What a directory brings along is not unpacked, and neither is what it holds.
            of.count(path);
            placed.add(new Placed(path, mode, file, Optional.empty()));
        }

        void placeNamed(ContextFile file) {
            String path = into ? below(destination, nameOf(file.path())) : destination;
            int mode = copy.chmod().filter(m -> file.kind() != ContextFile.Kind.LINK).orElse(file.mode());
            boolean unpacks = copy.unpacks() && file.kind() == ContextFile.Kind.FILE;
            of.count(path);
            placed.add(new Placed(path, mode, file, unpacks ? Optional.of(destination) : Optional.empty()));
        }
    }

    private void count(String path) {
        placed++;
        characters += path.length();
        InvalidFieldException.requireRange("dockerfile.copied files", placed, 0, MOST_PLACED);
        InvalidFieldException.requireRange("dockerfile.paths of copied files", characters, 0, MOST_CHARACTERS);
    }

    /** Whether a destination is a directory by how it is written, or since there are several sources. */
    static boolean isDirectory(String written, int sources) {
        return written.endsWith("/") || written.equals(".") || written.endsWith("/.") || sources > 1;
    }

    /** @param resolve makes a destination absolute */
    List<Placed> place(Instruction.Copy copy, Variables variables, UnaryOperator<String> resolve) {
        String written = variables.one(copy.destination());
        List<String> sources = copy.sources().stream().map(variables::one).toList();
        var target = new Target(this, copy, resolve.apply(written), isDirectory(written, sources.size()), new ArrayList<>());
        for (String source : sources) {
            int before = target.placed().size();
            Optional<Document> document = document(copy, source);
            if (document.isPresent()) {
                target.placeNamed(file(document.get(), variables));
                continue;
            }
            effort.spend(files.size());
            add(target, normal(source));
            if (target.placed().size() == before) {
                throw new NotFoundException("file", source, "dockerfile line " + copy.line()
                        + ": it is not among the " + files.size() + " files of the build's context");
            }
        }
        return target.placed();
    }

    private static Optional<Document> document(Instruction.Copy copy, String source) {
        String marker = source.replaceAll("['\"]", "");
        return copy.documents().stream().filter(d -> d.marker().replaceAll("['\"]", "").equals(marker)).findFirst();
    }

    private static ContextFile file(Document document, Variables variables) {
        String body = document.quoted() ? document.body() : variables.document(document.body());
        return ContextFile.of(document.name(), DOCUMENT_MODE, body.getBytes(StandardCharsets.UTF_8));
    }

    private void add(Target target, String source) {
        ContextFile file = files.get(source);
        if (file != null && file.kind() != ContextFile.Kind.DIRECTORY) {
            target.placeNamed(file);
            return;
        }
        if (source.chars().anyMatch(c -> c == '*' || c == '?' || c == '[')) {
            addMatching(target, source);
            return;
        }
        if (file != null) {
            target.place(file, target.destination());
        }
        String prefix = source.isEmpty() ? "" : source + "/";
        files.forEach((path, below) -> {
            if (path.startsWith(prefix)) {
                target.place(below, below(target.destination(), path.substring(prefix.length())));
            }
        });
    }

    /** Files, and the content of directories, of the pattern's depth. */
    private void addMatching(Target target, String pattern) {
        Glob glob = Glob.compile(pattern);
        long depth = pattern.chars().filter(c -> c == '/').count() + 1;
        files.forEach((path, file) -> {
            int end = end(path, depth);
            if (end < 0 || !glob.matches(path.substring(0, end), effort)) {
                return;
            }
            if (end < path.length()) {
                target.place(file, below(target.destination(), path.substring(end + 1)));
            } else if (file.kind() != ContextFile.Kind.DIRECTORY) {
                target.place(file, below(target.destination(), nameOf(path)));
            }
        });
    }

    /** Where the first parts of a path end; -1 when it has fewer. */
    private static int end(String path, long parts) {
        int end = -1;
        for (long i = 0; i < parts; i++) {
            if (end == path.length()) {
                return -1;
            }
            int slash = path.indexOf('/', end + 1);
            end = slash < 0 ? path.length() : slash;
        }
        return end;
    }

    private static String below(String directory, String name) {
        return directory.equals("/") ? "/" + name : directory + "/" + name;
    }

    private static String nameOf(String path) {
        return path.substring(path.lastIndexOf('/') + 1);
    }

    static String normal(String source) {
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
