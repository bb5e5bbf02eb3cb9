package dev.atoll.app.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The build that this program runs from, as tools/build.sh lays it out.
 *
 * @param directory readable by every user
 * @param home the source tree; empty path when unknown
 * @param cache where templates and builds are kept
 */
public record Dist(Path directory, Path home, Path cache) {
    /** From what ./atoll put into the environment. */
    public static Dist current() {
        return new Dist(
                Path.of(variable("ATOLL_DIST")), Path.of(variable("ATOLL_HOME")), Path.of(variable("ATOLL_CACHE")));
    }

    private static String variable(String name) {
        String value = System.getenv(name);
        if (value == null || value.isEmpty()) {
            throw new OperatorException(name + " is not set: start this program by ./atoll");
        }
        return value;
    }

    public Path warden() {
        return directory.resolve("bin/atoll-warden");
    }

    public Path guest() {
        return directory.resolve("bin/atoll-guest");
    }

    public Path templates() {
        return cache.resolve("templates");
    }

    /** Where tools/gvisor.sh leaves the program, or beside it in {@code absent} why there is none. */
    public Path gvisor() {
        return cache.resolve("gvisor");
    }

    /** The program of the class gvisor, there or not: what ATOLL_RUNSC says, else what tools/gvisor.sh left. */
    public Path runsc() {
        String given = System.getenv("ATOLL_RUNSC");
        return given == null || given.isEmpty() ? gvisor().resolve("runsc") : Path.of(given);
    }

    /** Keeps later builds from removing this one, which units start from. */
    void pin(String instance) {
        AtomicFile.write(pinOf(directory, instance), "", "rw-r--r--");
    }

    /** Units of this instance start from this build alone. */
    void unpinOthers(String instance) {
        others(instance).forEach(Dist::delete);
    }

    /** No build is kept for the units of this instance any more. */
    void unpin(String instance) {
        delete(pinOf(directory, instance));
        unpinOthers(instance);
    }

    private static Path pinOf(Path build, String instance) {
        return build.resolve("installed-" + instance);
    }

    private List<Path> others(String instance) {
        Path builds = directory.getParent();
        try (Stream<Path> all = builds == null ? Stream.empty() : Files.list(builds)) {
            return all.filter(build -> !build.equals(directory)).map(build -> pinOf(build, instance)).toList();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot list " + builds, e);
        }
    }

    private static void delete(Path pin) {
        try {
            Files.deleteIfExists(pin);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot remove " + pin, e);
        }
    }

    public Path java() {
        try {
            return Path.of(Files.readString(directory.resolve("java-home")).strip(), "bin/java");
        } catch (IOException e) {
            throw new UncheckedIOException(directory + " is not a build of Atoll", e);
        }
    }

    /**
     * The command line that runs this program's own main class in a JVM of its own.
     *
     * @param kind names the options, {@code engine} or {@code cli}, as tools/jvm has them
     * @param more options that are only known now
     */
    public List<String> command(String kind, List<String> more, List<String> arguments) {
        var command = new ArrayList<String>();
        command.add(java().toString());
        command.add("@" + directory.resolve(kind + ".args"));
        Path cached = directory.resolve(kind + ".aot");
        if (Files.exists(cached)) {
            command.add("-XX:AOTCache=" + cached);
        }
        command.addAll(more);
        command.add("dev.atoll.app.Main");
        command.addAll(arguments);
        return List.copyOf(command);
    }
}
