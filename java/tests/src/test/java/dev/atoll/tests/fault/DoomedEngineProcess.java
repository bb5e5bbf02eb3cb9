package dev.atoll.tests.fault;

import dev.atoll.domain.Isolation;
import dev.atoll.tests.ChildJvm;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;

/** The process of a {@link DoomedEngine} and what it said. */
final class DoomedEngineProcess implements AutoCloseable {
    private final Process process;
    private final Map<String, String> made = new HashMap<>();

    /** Returns when everything is prepared. */
    DoomedEngineProcess(String instance, String what, Isolation isolation) {
        process = ChildJvm.start(DoomedEngine.class, ProcessBuilder.Redirect.PIPE, instance, what, isolation.name());
        try (BufferedReader lines = process.inputReader()) {
            String line;
            while ((line = lines.readLine()) != null && !line.equals(DoomedEngine.READY)) {
                String[] words = line.split(" ");
                made.put(words[0], words[1]);
            }
            if (line == null) {
                throw new IllegalStateException("the engine's process ended before it was ready");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The id that was written with this key. */
    String id(String key) {
        String id = made.get(key);
        if (id == null) {
            throw new IllegalArgumentException(key + " is not in " + made);
        }
        return id;
    }

    /** kill -9; returns when it is gone. */
    void kill() {
        try {
            process.destroyForcibly().waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        kill();
    }
}
