package dev.atoll.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;

/** The real guest program, running as an ordinary process outside a sandbox. */
final class RealGuest implements AutoCloseable {
    private final Process process;

    private RealGuest(Process process) {
        this.process = process;
    }

    /** @param directory of an open endpoint */
    static RealGuest start(Path directory, Path spool) throws IOException {
        Path program = program();
        Files.createDirectories(spool);
        return new RealGuest(new ProcessBuilder(
                        program.toString(),
                        "--socket",
                        directory.resolve("e").toString(),
                        "--spool-dir",
                        spool.toString())
                .inheritIO()
                .start());
    }

    /** Where the test command built it, or where Cargo does, below the name of the machine's target. */
    private static Path program() throws IOException {
        String built = System.getenv("ATOLL_NATIVE");
        if (built != null) {
            return executable(Path.of(built, "atoll-guest"));
        }
        Path target = Path.of("../../native/target").toAbsolutePath().normalize();
        try (Stream<Path> targets = Files.isDirectory(target) ? Files.list(target) : Stream.empty()) {
            return executable(targets.map(t -> t.resolve("release/atoll-guest"))
                    .filter(Files::isExecutable)
                    .findFirst()
                    .orElse(target));
        }
    }

    private static Path executable(Path program) {
        if (!Files.isRegularFile(program) || !Files.isExecutable(program)) {
            Assertions.fail("the guest program is not built at " + program
                    + " (cargo build --release -p atoll-guest, or set ATOLL_NATIVE to its directory)");
        }
        return program;
    }

    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    @Override
    public void close() throws InterruptedException {
        kill();
    }
}
