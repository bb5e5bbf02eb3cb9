package dev.atoll.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/** What a test reads and does in the host's kernel, past the warden. */
public final class Kernel {
    private Kernel() {}

    /** Kills every process of every sandbox and slot of an instance at once; returns when none is left. */
    static void killAll(String instance) {
        Path group = cgroup2().resolve("atoll-" + instance);
        try {
            Files.writeString(group.resolve("cgroup.kill"), "1");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Awaitility.await("the end of all processes in " + group)
                .until(() -> Files.readAllLines(group.resolve("cgroup.events")).contains("populated 0"));
    }

    /** Returns when no process, mount or loop device of the host names a directory of the instance any more. */
    static void awaitNothingLeft(String instance) {
        String named = "/" + instance + "/";
        Awaitility.await("that nothing is left of " + instance).untilAsserted(() -> assertThat(Stream.of(
                                processes().map(pid -> pid + " " + commandLine(pid)),
                                lines(Path.of("/proc/1/mountinfo")).stream(),
                                loopDevices())
                        .flatMap(found -> found)
                        .filter(found -> found.contains(named)))
                .isEmpty());
    }

    private static Stream<Integer> processes() {
        return names(Path.of("/proc")).filter(name -> name.matches("[0-9]+")).map(Integer::valueOf);
    }

    private static Stream<String> loopDevices() {
        return names(Path.of("/sys/block"))
                .filter(name -> name.startsWith("loop"))
                .map(name -> name + " " + content(Path.of("/sys/block", name, "loop/backing_file")));
    }

    private static Stream<String> names(Path directory) {
        try (Stream<Path> below = Files.list(directory)) {
            return below.map(path -> path.getFileName().toString()).toList().stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Empty when the file is gone, as that of an ended process. */
    private static String content(Path file) {
        try {
            return Files.readString(file).replace('\0', ' ').strip();
        } catch (IOException e) {
            return "";
        }
    }

    /** Bytes of memory that a process has for itself: neither files nor shared. */
    public static long anonymousMemory(int pid) {
        return memory(pid, "RssAnon:");
    }

    /** Bytes of memory of a sentry's own and of all that runs in it, which it keeps in a memory file. */
    public static long sentryMemory(int pid) {
        return memory(pid, "RssAnon:") + memory(pid, "RssShmem:");
    }

    private static long memory(int pid, String key) {
        return lines(Path.of("/proc/" + pid + "/status")).stream()
                .filter(line -> line.startsWith(key))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("/proc/" + pid + "/status has no " + key));
    }

    /**
     * The root directory of a sandbox whose process the warden names: that of PID 1, or where it is a sentry,
     * which has an empty one, that of the gofer beside it.
     */
    public static Path rootOf(int pid) {
        if (!commandLine(pid).startsWith("runsc-sandbox")) {
            return Path.of("/proc/" + pid + "/root");
        }
        Path group = lines(Path.of("/proc/" + pid + "/cgroup")).stream()
                .filter(line -> line.startsWith("0::/"))
                .map(line -> cgroup2().resolve(line.substring("0::/".length())))
                .findFirst()
                .orElseThrow();
        return lines(group.resolve("cgroup.procs")).stream()
                .filter(member -> commandLine(Integer.parseInt(member)).startsWith("runsc-gofer"))
                .map(member -> Path.of("/proc/" + member + "/root"))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("the sentry " + pid + " has no gofer"));
    }

    private static String commandLine(int pid) {
        return content(Path.of("/proc/" + pid + "/cmdline"));
    }

    private static Path cgroup2() {
        return lines(Path.of("/proc/self/mounts")).stream()
                .map(line -> line.split(" "))
                .filter(fields -> fields[2].equals("cgroup2"))
                .map(fields -> Path.of(fields[1]))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("no cgroup2 hierarchy is mounted"));
    }

    private static List<String> lines(Path path) {
        try {
            return Files.readAllLines(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
