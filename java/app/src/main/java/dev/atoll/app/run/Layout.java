package dev.atoll.app.run;

import dev.atoll.app.config.Config;
import java.nio.file.Path;

/**
 * The files of one instance.
 *
 * @param runDir meaningless after a reboot; everyone may enter it
 * @param stateDir survives reboots; holds the pool, which is the warden's, and the rest below
 */
public record Layout(String instance, Path runDir, Path stateDir) {
    static final Path RUN = Path.of("/run/atoll");

    public static Layout of(Config config) {
        return new Layout(config.node().instance(), RUN.resolve(config.node().instance()), Path.of(config.node().stateDir()));
    }

    /** What is up, as {@link Endpoint} reads it. */
    public static Path endpoint(String instance) {
        return RUN.resolve(instance).resolve("up.json");
    }

    public Path endpoint() {
        return runDir.resolve("up.json");
    }

    public Path supervisorPid() {
        return runDir.resolve("supervisor.pid");
    }

    public Path wardenPid() {
        return runDir.resolve("warden.pid");
    }

    public Path enginePid() {
        return runDir.resolve("engine.pid");
    }

    public Path wardenSocket() {
        return runDir.resolve("warden.sock");
    }

    public Path wardenConfig() {
        return runDir.resolve("warden.json");
    }

    /** Below it the engine makes one directory a slot. */
    public Path sockets() {
        return runDir.resolve("s");
    }

    /** The effective configuration, which the engine reads. */
    public Path engineConfig() {
        return runDir.resolve("engine.yaml");
    }

    /** SHA-256 of the operator's key in hexadecimal, for the engine. */
    public Path operatorHash() {
        return runDir.resolve("operator.sha256");
    }

    /** The operator's key; only root reads it. */
    public Path operatorKey() {
        return stateDir.resolve("operator.key");
    }

    /** The engine's own directory, with its database. */
    public Path engineDir() {
        return stateDir.resolve("engine");
    }

    public Path logDir() {
        return stateDir.resolve("log");
    }

    public Path wardenLog() {
        return logDir().resolve("warden.log");
    }

    public Path engineLog() {
        return logDir().resolve("engine.log");
    }

    public Path supervisorLog() {
        return logDir().resolve("supervisor.log");
    }
}
