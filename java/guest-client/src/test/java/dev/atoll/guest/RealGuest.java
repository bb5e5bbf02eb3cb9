package dev.atoll.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assertions;

/** The real guest program, running as an ordinary process outside a sandbox. */
final class RealGuest implements AutoCloseable {
    private final Process process;

    private RealGuest(Process process) {
        this.process = process;
    }

    /** @param directory of an open endpoint */
    static RealGuest start(Path directory, Path spool) throws IOException {
        Path program = Path.of(System.getProperty(
                "atoll.guest", "../../native/target/x86_64-unknown-linux-gnu/release/atoll-guest"));
        if (!Files.isExecutable(program)) {
            Assertions.fail("the guest program is not built: " + program.toAbsolutePath()
                    + " (cargo build --release -p atoll-guest, or set -Datoll.guest=PATH)");
        }
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

    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    @Override
    public void close() throws InterruptedException {
        kill();
    }
}
