package dev.atoll.app.run;

import dev.atoll.app.config.Config;
import dev.atoll.app.config.DataSize;
import dev.atoll.app.config.HostPort;
import dev.atoll.app.tls.CertificateFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;

/** What a machine must have before anything is started; each lack is one clear line. */
final class Preflight {
    private static final int KERNEL_MAJOR = 5;
    private static final int KERNEL_MINOR = 19;
    private static final DataSize SPARE = DataSize.parse("1GiB");

    private Preflight() {}

    static void requireRoot(String command) {
        if (!Files.isWritable(Path.of("/proc/sys/kernel/hostname")) || !"root".equals(System.getProperty("user.name"))) {
            throw new OperatorException("'" + command + "' needs root: it mounts file systems and makes namespaces");
        }
    }

    static void requireKernel() {
        requireKernel(read(Path.of("/proc/sys/kernel/osrelease")));
    }

    /** @param release as uname(2) tells it; one that does not begin with two numbers passes, the warden probes each call */
    static void requireKernel(String release) {
        var match = Pattern.compile("(\\d+)\\.(\\d+).*").matcher(release);
        if (!match.matches()) {
            return;
        }
        int major = Integer.parseInt(match.group(1));
        int minor = Integer.parseInt(match.group(2));
        if (major < KERNEL_MAJOR || major == KERNEL_MAJOR && minor < KERNEL_MINOR) {
            throw new OperatorException("the kernel is " + release + "; Linux " + KERNEL_MAJOR + "." + KERNEL_MINOR
                    + " or newer is needed (overlays of idmapped layers)");
        }
    }

    /** The pool needs its admission mark and something to give. */
    static void requireSpace(Config config) {
        Path at = existing(Path.of(config.pool().dir().orElse(config.node().stateDir())));
        try {
            long free = Files.getFileStore(at).getUsableSpace();
            long needed = config.pool().admissionFree().bytes() + SPARE.bytes();
            if (free < needed) {
                throw new OperatorException(at + " has " + new DataSize(free).rounded() + " free; at least "
                        + new DataSize(needed).rounded() + " are needed (pool.admission_free and 1 GiB)");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(at + " cannot be looked at", e);
        }
    }

    /** The path itself, or the nearest directory above it that is there. */
    private static Path existing(Path path) {
        Path parent = path.getParent();
        return Files.exists(path) || parent == null ? path : existing(parent);
    }

    static void requirePort(String face, HostPort listen) {
        if (listen.port() == 0) {
            return;
        }
        var address = new InetSocketAddress(listen.host(), listen.port());
        if (address.isUnresolved()) {
            throw new OperatorException(face + ".listen is " + listen + ": no such host");
        }
        try (var probe = new ServerSocket()) {
            probe.setReuseAddress(true);
            probe.bind(address);
        } catch (BindException taken) {
            throw new OperatorException(PortOwner.of(listen.port())
                    .map(owner -> "port " + listen.port() + " is taken by " + owner + "; stop it, or set " + face + ".listen")
                    .orElse("cannot listen on " + listen + " (" + taken.getMessage() + "); set " + face + ".listen"));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot listen on " + listen, e);
        }
    }

    /** The engine's user must reach the JDK and the build. */
    static void requireReadable(Dist dist, EngineUser user) {
        for (Path path : new Path[] {dist.java(), dist.directory().resolve("engine.args")}) {
            if (!isReadable(path, user)) {
                throw new OperatorException("the user '" + user.name() + "' cannot read " + path
                        + "; use a JDK and a cache directory that every user may enter");
            }
        }
    }

    /** The engine, which has no rights of root, reads them itself whenever they change. */
    static void requireReadable(CertificateFiles files, EngineUser user) {
        for (Path path : new Path[] {files.certificate(), files.key()}) {
            if (!isReadable(path, user)) {
                throw new OperatorException("the user '" + user.name() + "' cannot read " + path + ": try chgrp " + user.name()
                        + " and chmod g+r, and let it enter the directories above");
            }
        }
    }

    private static boolean isReadable(Path path, EngineUser user) {
        return Commands.tryOutput(
                        "setpriv", "--reuid", Integer.toString(user.uid()), "--regid", Integer.toString(user.gid()),
                        "--clear-groups", "test", "-r", path.toString())
                .isPresent();
    }

    private static String read(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
