package dev.atoll.app.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Remembers a process over restarts of whoever started it: by its pid together with its start time,
 * so that a pid that was given to another process meanwhile is not mistaken for it.
 */
final class PidFile {
    private static final int START_TIME_FIELD = 22;

    private PidFile() {}

    static void write(Path file, ProcessHandle process) {
        String start = startTime(process.pid()).orElse("0");
        AtomicFile.write(file, process.pid() + " " + start + "\n", "rw-r--r--");
    }

    /** The process that was written, if it still lives. */
    static Optional<ProcessHandle> read(Path file) {
        String[] fields;
        try {
            fields = Files.readString(file).strip().split(" ", -1);
        } catch (IOException absent) {
            return Optional.empty();
        }
        if (fields.length != 2 || !fields[0].matches("\\d{1,9}")) {
            return Optional.empty();
        }
        long pid = Long.parseLong(fields[0]);
        return startTime(pid).filter(fields[1]::equals).flatMap(same -> ProcessHandle.of(pid)).filter(ProcessHandle::isAlive);
    }

    static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException stays) {
            // A stale file is told by the start time.
        }
    }

    /** In clock ticks since boot; field 22 of /proc/pid/stat, proc(5). A zombie has none. */
    private static Optional<String> startTime(long pid) {
        try {
            String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
            // The second field, the name, may hold spaces and brackets.
            String[] rest = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
            return rest[0].equals("Z") ? Optional.empty() : Optional.of(rest[START_TIME_FIELD - 3]);
        } catch (IOException gone) {
            return Optional.empty();
        }
    }
}
