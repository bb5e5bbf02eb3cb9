package dev.atoll.tests;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/**
 * Where a test's node has its things, and what it needs from the machine. The environment says where
 * the programs and templates are when not in their usual places; what is missing fails the test with
 * its reason.
 *
 * @param instance at most 12 of {@code [a-z0-9]}; everything in the kernel carries it
 */
record NodePlace(String instance, Path state, Path run) {
    private static final AtomicInteger NEXT = new AtomicInteger();

    /** A place of its own for each call of this JVM and, by the pid, for each JVM. */
    static NodePlace fresh() {
        String base = environment("ATOLL_TEST_INSTANCE").orElse("t");
        String instance = base + Long.toHexString(ProcessHandle.current().pid() & 0xfffff) + "x" + NEXT.incrementAndGet();
        return of(instance);
    }

    static NodePlace of(String instance) {
        return new NodePlace(
                instance,
                Path.of(environment("ATOLL_TEST_STATE").orElse("/var/tmp/atoll-test")).resolve(instance),
                Path.of("/run/atoll").resolve(instance));
    }

    /** The guest as the version before spoke. */
    static Path previousGuest() {
        Optional<Path> given = environment("ATOLL_PREVIOUS_GUEST").map(Path::of);
        return existing(
                given.orElseGet(() -> tree().resolve("native/target/" + System.getProperty("os.arch").replace("amd64", "x86_64")
                        + "-unknown-linux-gnu/debug/atoll-guest-previous")),
                "build it with 'cargo build -p atoll-guest --features previous-protocol --bin atoll-guest-previous' in native/");
    }

    /** A program of the native workspace; Cargo puts it below the name of the machine's target. */
    static Path program(String name) {
        Optional<Path> directory = environment("ATOLL_NATIVE").map(Path::of);
        if (directory.isPresent()) {
            return existing(directory.get().resolve(name), "ATOLL_NATIVE names the directory of the programs");
        }
        Path target = tree().resolve("native/target");
        try (Stream<Path> targets = Files.exists(target) ? Files.list(target) : Stream.empty()) {
            return targets.map(t -> t.resolve("release").resolve(name))
                    .filter(Files::exists)
                    .findFirst()
                    .orElseThrow(() -> new IllegalStateException(
                            name + " is missing: build it with 'cargo build --release' in native/"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Where the base template is. */
    static Path templates() {
        Path directory = Path.of(environment("ATOLL_TEMPLATES").orElse("/var/cache/atoll/templates"));
        existing(directory.resolve("base.json"), "'./atoll up' makes it");
        return directory;
    }

    /** The program that runs the class gvisor. */
    static Path runsc() {
        Path program = Path.of(environment("ATOLL_RUNSC").orElse("/var/cache/atoll/gvisor/runsc"));
        return existing(program, "'./atoll up' builds it");
    }

    private static Path tree() {
        Path directory = Path.of("").toAbsolutePath();
        while (!Files.isDirectory(directory.resolve("native"))) {
            directory = Optional.ofNullable(directory.getParent())
                    .orElseThrow(() -> new IllegalStateException("the tests run outside the tree"));
        }
        return directory;
    }

    private static Path existing(Path path, String otherwise) {
        if (!Files.exists(path)) {
            throw new IllegalStateException(path + " is missing: " + otherwise);
        }
        return path;
    }

    static Optional<String> environment(String name) {
        return Optional.ofNullable(System.getenv(name)).filter(value -> !value.isBlank());
    }
}
