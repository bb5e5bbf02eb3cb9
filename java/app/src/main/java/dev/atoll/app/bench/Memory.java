package dev.atoll.app.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;

/** What the kernel says about memory; all in KiB, as it does. proc(5). */
final class Memory {
    private static final Path INFO = Path.of("/proc/meminfo");

    private Memory() {}

    /**
     * What is in use on the machine besides the page cache and other memory that the kernel can give
     * back: tmpfs, which meminfo counts as cached, is in use.
     */
    static long used() {
        List<String> lines = read(INFO);
        long pageCache = field(lines, "Cached") - field(lines, "Shmem") + field(lines, "Buffers");
        return field(lines, "MemTotal") - field(lines, "MemFree") - pageCache - field(lines, "SReclaimable");
    }

    static long available() {
        return field(read(INFO), "MemAvailable");
    }

    static long resident(ProcessHandle process) {
        return field(read(status(process)), "VmRSS");
    }

    /** The most that was resident since {@link #resetPeak}. */
    static long peak(ProcessHandle process) {
        return field(read(status(process)), "VmHWM");
    }

    static void resetPeak(ProcessHandle process) {
        try {
            Files.writeString(Path.of("/proc", Long.toString(process.pid()), "clear_refs"), "5");
        } catch (IOException e) {
            throw new UncheckedIOException("the peak of the engine's memory cannot be reset", e);
        }
    }

    /** @param lines as {@code name:   123 kB} */
    static long field(List<String> lines, String name) {
        Predicate<String> named = line -> line.startsWith(name + ":");
        return lines.stream()
                .filter(named)
                .map(line -> line.substring(name.length() + 1).replace("kB", "").strip())
                .mapToLong(Long::parseLong)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("the kernel does not say " + name));
    }

    private static Path status(ProcessHandle process) {
        return Path.of("/proc", Long.toString(process.pid()), "status");
    }

    private static List<String> read(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
