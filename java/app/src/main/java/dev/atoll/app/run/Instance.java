package dev.atoll.app.run;

import dev.atoll.app.config.Config;
import dev.atoll.app.config.ConfigPrinter;
import dev.atoll.app.tls.CertificateFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;

/** What is done to an instance as a whole. Needs root. One process at a time. */
public final class Instance {
    private final Config config;
    private final Dist dist;
    private final Layout layout;

    public Instance(Config config, Dist dist) {
        this.config = config;
        this.dist = dist;
        layout = Layout.of(config);
    }

    public Layout layout() {
        return layout;
    }

    /** The supervisor that watches it, here or in the background. */
    public Optional<ProcessHandle> supervisor() {
        return PidFile.read(layout.supervisorPid());
    }

    /** Its engine, when one runs. */
    public Optional<ProcessHandle> engine() {
        return PidFile.read(layout.enginePid());
    }

    /** @throws OperatorException naming what this machine lacks */
    public void check(String command) {
        check(command, PidFile.read(layout.enginePid()).isEmpty());
    }

    /** @param ports whether its ports must be free, as they are not while it runs */
    public void check(String command, boolean ports) {
        Preflight.requireRoot(command);
        Preflight.requireKernel();
        Preflight.requireSpace(config);
        if (ports) {
            Preflight.requirePort("native", config.nativeFace().listen());
            Preflight.requirePort("daytona", config.daytona().listen());
            Preflight.requirePort("modal", config.modal().listen());
        }
        CertificateFiles.all(config).forEach(CertificateFiles::check);
        requireOwnState();
    }

    /** Builds the base template when its recipe changed; shows its progress. */
    public void buildTemplate() {
        String bundle = config.trust().bundle();
        if (!bundle.isEmpty() && !Files.isReadable(Path.of(bundle))) {
            if (!config.trust().extraCa().equals("host")) {
                throw new OperatorException("trust.extra_ca is " + bundle + ", which cannot be read");
            }
            bundle = "";
        }
        Path script = dist.home().resolve("template/base/build.sh");
        Commands.run("making the base template", List.of(script.toString(), dist.cache().toString(), bundle));
    }

    /** Makes user, directories, key and the files that the two programs read. */
    public void prepare() {
        EngineUser user = EngineUser.ensure(config.node().user());
        Preflight.requireReadable(dist, user);
        CertificateFiles.all(config).forEach(files -> Preflight.requireReadable(files, user));
        directory(Layout.RUN, "rwxr-xr-x");
        directory(layout.runDir(), "rwxr-xr-x");
        directory(layout.stateDir(), "rwx--x--x");
        stateDir().claim();
        directory(layout.logDir(), "rwxr-x---");
        directory(layout.engineDir(), "rwx------");
        directory(layout.engineDir().resolve("tmp"), "rwx------");
        Commands.output("chown", "-R", user.uid() + ":" + user.gid(), layout.engineDir().toString());
        String key = OperatorKey.ensure(layout.operatorKey());
        AtomicFile.write(layout.operatorHash(), OperatorKey.sha256(key) + "\n", "rw-r--r--");
        AtomicFile.write(layout.engineConfig(), ConfigPrinter.print(config), "rw-r--r--");
        WardenConfig.write(layout, config, user, dist);
    }

    /** As {@link #prepare}, and says where it will be reached, for programs that nobody of ours starts. */
    public void prepareForUnits() {
        Preflight.requireRoot("atoll prepare");
        Preflight.requireKernel();
        requireOwnState();
        prepare();
        var ports = new Ready(
                config.nativeFace().listen().port(), config.daytona().listen().port(), config.modal().listen().port());
        EngineProgram.endpointOf(config, layout, dist, ports).write(layout.endpoint());
    }

    /** In the order of their start. */
    List<Program> programs() {
        EngineUser user = EngineUser.ensure(config.node().user());
        return List.of(new WardenProgram(dist, layout), new EngineProgram(dist, layout, user));
    }

    void writeSupervisorPid() {
        PidFile.write(layout.supervisorPid(), ProcessHandle.current());
    }

    void deleteSupervisorPid() {
        PidFile.delete(layout.supervisorPid());
    }

    /** As it is where units are looked for. */
    public Systemd systemd() {
        return new Systemd(config, dist, Systemd.UNITS);
    }

    /** Ends engine and warden when no supervisor does. */
    void stopPrograms() {
        systemd().stop();
        programs().reversed().forEach(Program::stop);
    }

    /**
     * Takes away what the instance has in the kernel, and its run directory: sandboxes that still run
     * are killed. Disks, snapshots and the database stay.
     */
    void clearKernel() {
        if (Files.isDirectory(layout.runDir())) {
            WardenConfig.write(layout, config, EngineUser.ensure(config.node().user()), dist);
            Commands.output(dist.warden().toString(), "--config", layout.wardenConfig().toString(), "--teardown");
        }
    }

    /** Deletes the state directory: every disk, snapshot, key and record. */
    void deleteState() {
        stateDir().delete();
    }

    /** @throws OperatorException when the configured directory is another instance's */
    void requireOwnState() {
        stateDir().requireOwn();
    }

    private StateDir stateDir() {
        return new StateDir(layout.stateDir(), config.node().instance());
    }

    private static void directory(Path path, String mode) {
        try {
            Files.createDirectories(path);
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot make " + path, e);
        }
    }
}
