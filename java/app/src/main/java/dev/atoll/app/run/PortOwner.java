package dev.atoll.app.run;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Finds who listens on a TCP port of this machine, from /proc. */
public final class PortOwner {
    private static final String LISTEN = "0A";

    private PortOwner() {}

    /** Like {@code pid 4711 (nginx)}; empty when nobody listens or root rights lack to see who. */
    public static Optional<String> of(int port) {
        Set<String> sockets = sockets(port);
        if (sockets.isEmpty()) {
            return Optional.empty();
        }
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : processes) {
                if (holds(process, sockets)) {
                    return Optional.of("pid " + process.getFileName() + " (" + Files.readString(process.resolve("comm")).strip() + ")");
                }
            }
        } catch (IOException gone) {
            // A process that ends while it is looked at.
        }
        return Optional.empty();
    }

    /** As /proc/pid/fd shows them: {@code socket:[inode]}. Format: proc(5), /proc/net/tcp. */
    private static Set<String> sockets(int port) {
        String suffix = ":%04X".formatted(port);
        var found = new HashSet<String>();
        for (String table : List.of("/proc/net/tcp", "/proc/net/tcp6")) {
            try {
                for (String line : Files.readAllLines(Path.of(table))) {
                    String[] fields = line.strip().split("\\s+", -1);
                    if (fields.length > 9 && fields[1].endsWith(suffix) && fields[3].equals(LISTEN)) {
                        found.add("socket:[" + fields[9] + "]");
                    }
                }
            } catch (IOException absent) {
                // No IPv6 on this machine.
            }
        }
        return found;
    }

    private static boolean holds(Path process, Set<String> sockets) {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(process.resolve("fd"))) {
            for (Path file : files) {
                if (sockets.contains(Files.readSymbolicLink(file).toString())) {
                    return true;
                }
            }
        } catch (IOException gone) {
            // Ended meanwhile, or another user's.
        }
        return false;
    }
}
