package dev.atoll.app.run;

import dev.atoll.app.config.Config;
import dev.atoll.app.config.HostPort;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Runs an instance by systemd instead of a supervisor of ours. Needs root. */
public final class Systemd {
    /** Of units that an administrator makes: systemd.unit(5). */
    public static final Path UNITS = Path.of("/etc/systemd/system");

    /** systemd(1), sd_booted(3). */
    private static final Path RUNS = Path.of("/run/systemd/system");

    private final Config config;
    private final Dist dist;
    private final Path directory;

    public Systemd(Config config, Dist dist, Path directory) {
        this.config = config;
        this.dist = dist;
        this.directory = directory;
    }

    /** Whether this machine is run by it. */
    public static boolean runs() {
        return Files.isDirectory(RUNS);
    }

    /** Whether this instance has units there. */
    public boolean isInstalled() {
        return Files.exists(directory.resolve(units(Path.of("/")).engineName()));
    }

    /**
     * Writes the units, for a first installation or over those of an older build.
     *
     * @param file the configuration that they read
     * @return their names, in the order of their start
     */
    public List<String> write(Path file) {
        requirePorts();
        Units units = units(file);
        for (Map.Entry<String, String> unit : units.files().entrySet()) {
            AtomicFile.write(directory.resolve(unit.getKey()), unit.getValue(), "rw-r--r--");
        }
        dist.pin(config.node().instance());
        return List.of(units.wardenName(), units.engineName());
    }

    /** Starts them now and at each boot; those that run are started anew, and sandboxes go on. */
    public void start(List<String> names) {
        Commands.output("systemctl", "daemon-reload");
        names.forEach(name -> Commands.output("systemctl", "enable", name));
        names.forEach(name -> Commands.output("systemctl", "restart", name));
        dist.unpinOthers(config.node().instance());
    }

    /** Ends engine and warden; sandboxes go on. Nothing happens when they are not installed. */
    public void stop() {
        if (isInstalled() && runs()) {
            Units units = units(Path.of("/"));
            Commands.output("systemctl", "stop", units.engineName(), units.wardenName());
        }
    }

    /** Removes the units of an instance that was stopped. Idempotent. */
    public void remove() {
        Units units = units(Path.of("/"));
        for (String name : List.of(units.engineName(), units.wardenName())) {
            try {
                if (runs() && Files.exists(directory.resolve(name))) {
                    Commands.output("systemctl", "disable", name);
                }
                Files.deleteIfExists(directory.resolve(name));
            } catch (IOException e) {
                throw new UncheckedIOException("cannot remove " + directory.resolve(name), e);
            }
        }
        if (runs()) {
            Commands.output("systemctl", "daemon-reload");
        }
        dist.unpin(config.node().instance());
    }

    private Units units(Path file) {
        return Units.of(config, dist, file);
    }

    /** Where it is reached is written down before it serves, so its ports must be known. */
    private void requirePorts() {
        Map<String, HostPort> listens = Map.of(
                "native", config.nativeFace().listen(), "daytona", config.daytona().listen(), "modal", config.modal().listen());
        Optional<String> free = listens.entrySet().stream().filter(e -> e.getValue().port() == 0).map(Map.Entry::getKey).findAny();
        free.ifPresent(face -> {
            throw new OperatorException(face + ".listen has port 0, any free one; units need a fixed port");
        });
    }
}
