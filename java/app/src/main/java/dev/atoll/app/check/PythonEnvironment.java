package dev.atoll.app.check;

import dev.atoll.app.run.Dist;
import dev.atoll.app.run.OperatorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Virtual environments of Python in the cache, with what clients of the tests and of the bench need. */
public final class PythonEnvironment {
    private PythonEnvironment() {}

    /**
     * Made anew when the requirements change.
     *
     * @param requirements name of a file in tests/e2e
     * @return its interpreter
     */
    public static Path of(Dist dist, String requirements) {
        Path file = dist.home().resolve("tests/e2e").resolve(requirements);
        Path venv = dist.cache().resolve("e2e-" + Integer.toHexString(Reports.read(file).hashCode()));
        Path done = venv.resolve("complete");
        Path python = venv.resolve("bin/python");
        if (!Files.exists(done)) {
            System.err.println("Installing what tests/e2e needs (" + requirements + ") …");
            step(dist, List.of("python3", "-m", "venv", "--clear", venv.toString()));
            step(dist, List.of(python.toString(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", file.toString()));
            step(dist, List.of("touch", done.toString()));
        }
        return python;
    }

    private static void step(Dist dist, List<String> command) {
        if (Runner.run(dist.home(), Map.of(), command, line -> {}) != 0) {
            throw new OperatorException("'" + String.join(" ", command) + "' failed");
        }
    }
}
