package dev.atoll.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.SandboxId;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process that is killed with SIGKILL while it writes loses nothing that it was told is written. */
final class CrashTest {
    private static final int ENOUGH = 300;

    @TempDir
    private Path directory;

    @Test
    void every_acknowledged_row_survives_kill_9() throws Exception {
        Path file = directory.resolve("atoll.db");
        List<Integer> acknowledged = new ArrayList<>();
        Process writer = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-Xmx128m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        CrashTest.class.getName(),
                        file.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (BufferedReader lines = writer.inputReader(StandardCharsets.US_ASCII)) {
            String line;
            while ((line = lines.readLine()) != null && !line.isEmpty()) {
                acknowledged.add(Integer.parseInt(line));
                if (acknowledged.size() == ENOUGH) {
                    // The handle: the Process itself would close the pipe, and with it what was acknowledged.
                    writer.toHandle().destroyForcibly();
                }
            }
        } finally {
            writer.destroyForcibly().waitFor();
        }

        assertThat(acknowledged).hasSizeGreaterThanOrEqualTo(ENOUGH);
        try (Store store = SqliteStore.open(file)) {
            for (int number : acknowledged) {
                assertThat(store.sandboxes().get(new SandboxId(Samples.id(number))))
                        .as("sandbox %s", number)
                        .contains(Samples.sandbox(number, "n" + number));
            }
        }
    }

    /** The process that is killed: eight threads write and say what was written, without end. */
    public static void main(String[] arguments) throws IOException {
        Store store = SqliteStore.open(Path.of(arguments[0]));
        AtomicInteger next = new AtomicInteger();
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.US_ASCII);
        for (int i = 0; i < 8; i++) {
            Thread.ofPlatform().start(() -> {
                while (true) {
                    int number = next.incrementAndGet();
                    store.sandboxes().insert(Samples.sandbox(number, "n" + number));
                    synchronized (out) {
                        out.print(number + "\n");
                        out.flush();
                    }
                }
            });
        }
    }
}
