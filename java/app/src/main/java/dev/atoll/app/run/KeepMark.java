package dev.atoll.app.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Tells a supervisor that is about to be ended that the sandboxes stay as they are. */
final class KeepMark {
    private KeepMark() {}

    private static Path file(Layout layout) {
        return layout.runDir().resolve("keep");
    }

    static void set(Layout layout) {
        AtomicFile.write(file(layout), "", "rw-r--r--");
    }

    /** Whether it was set; it is not afterwards. */
    static boolean taken(Layout layout) {
        try {
            return Files.deleteIfExists(file(layout));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
