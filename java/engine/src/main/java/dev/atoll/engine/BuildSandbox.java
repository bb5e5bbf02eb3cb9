package dev.atoll.engine;

import dev.atoll.domain.ArchiveOptions;
import dev.atoll.domain.AtollException;
import dev.atoll.domain.FileContext;
import dev.atoll.domain.FileDownload;
import dev.atoll.domain.FileInfo;
import dev.atoll.domain.GuestException;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.LayerId;
import dev.atoll.domain.NetworkPolicy;
import dev.atoll.domain.ProcessEvent;
import dev.atoll.domain.ProcessExit;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.ProcessStream;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Resources;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SandboxState;
import dev.atoll.domain.SnapshotId;
import dev.atoll.domain.TemplateId;
import dev.atoll.domain.UnavailableException;
import dev.atoll.domain.WriteOptions;
import dev.atoll.guest.GuestFiles;
import dev.atoll.guest.LayerApplied;
import dev.atoll.image.BuildPlan;
import dev.atoll.warden.DiskSource;
import dev.atoll.warden.Killed;
import dev.atoll.warden.SnapshotMade;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The sandbox of one build. Each step is a boot of its own on the disk that the step before left, so
 * that nothing a step started goes on into the next. It has no row: what is left of it when the engine
 * ends is nobody's and removed at the next start. One thread at a time but for {@link #kill}.
 */
final class BuildSandbox implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(BuildSandbox.class);
    private static final ProcessId STEP = new ProcessId("step");
    /** Files of one layer; each costs the disk an inode. */
    private static final long MOST_LAYER_ENTRIES = 5_000_000;

    private static final int MOST_MATCHES = 10_000;

    private static final FileContext ROOT = new FileContext(Optional.of("root"), Optional.of("/"));

    private final OwnerTools tools;
    private final TransientSandboxes listed;
    private final Sandbox plain;
    private final List<LayerId> layers;
    private long generation;
    private boolean hasDisk;
    private @Nullable Occupancy boot;

    BuildSandbox(
            OwnerTools tools,
            TransientSandboxes listed,
            SandboxId id,
            ProjectId project,
            TemplateId base,
            Resources resources,
            List<LayerId> layers,
            NetworkPolicy network) {
        this.tools = tools;
        this.listed = listed;
        this.layers = layers;
        Instant now = tools.clock().instant();
        plain = new Sandbox(
                id, project, "build", Map.of(), base, "", Isolation.CONTAINER, resources, Map.of(), "root", "/",
                network, List.of(), Map.of(), SandboxState.CREATING, Optional.empty(), Optional.empty(), 0,
                Optional.empty(), now, now, now, Optional.empty(), Optional.empty(), List.of(),
                Optional.empty());
        listed.add(id, project);
    }

    /** Boots on the disk of the step before, or on a new one. @param from what the first disk is made of */
    void boot(DiskSource from) {
        generation++;
        Sandbox sandbox = SandboxEdit.of(plain).generation(generation).done();
        DiskSource disk = hasDisk ? new DiskSource.Existing() : from;
        Boot.Claimant claimant = tools.boot().claim(sandbox, Map.of(), layers, disk);
        hasDisk = true;
        boot = tools.boot().introduce(sandbox, claimant);
        var unused = tools.usage().booted(sandbox.id(), generation);
    }

    /** Removes the disk, so that the next boot begins with another. */
    void forgetDisk() {
        tools.warden().deleteDisk(plain.id());
        hasDisk = false;
    }

    void makeDirectories(List<String> directories) {
        directories.forEach(path -> files().mkdir(ROOT, path, OptionalInt.empty(), true, true));
    }

    /**
     * Runs a command to its end.
     *
     * @param secrets more environment, over the step's own
     * @param output gets what it writes, stdout and stderr in order
     */
    ProcessExit run(BuildPlan.Run step, Map<String, String> secrets, Duration timeout, Consumer<byte[]> output) {
        Map<String, String> env = new HashMap<>(step.env());
        env.putAll(secrets);
        ProcessSpec spec = command(step.argv())
                .withEnv(env)
                .withCwd(Optional.of(step.workdir()))
                .withUser(Optional.of(step.user().isEmpty() ? "root" : step.user()))
                .withMergedOutput()
                .withTimeout(timeout)
                .withReader(true, true);
        try (ProcessStream stream = booted().endpoint().processes().start(STEP, spec)) {
            while (true) {
                switch (stream.next().orElse(null)) {
                    case ProcessEvent.Output bytes -> output.accept(bytes.bytes());
                    case ProcessEvent.Gap _ -> {}
                    case ProcessEvent.Exited exited -> {
                        return booted().oom().judge(STEP, exited.exit());
                    }
                    case null -> throw new UnavailableException("the step's output ended without its exit");
                }
            }
        }
    }

    /** A line for the shell may be longer than one argument can be. */
    private static ProcessSpec command(List<String> argv) {
        boolean plainShell = argv.size() == 3 && argv.get(0).equals("/bin/sh") && argv.get(1).equals("-c");
        return plainShell ? ProcessSpec.shell("/bin/sh", argv.get(2)) : ProcessSpec.of(argv);
    }

    /** Writes the files; a destination that is a directory takes a file under its own name. */
    void copy(BuildPlan.Copy step) throws IOException {
        for (BuildPlan.Placed placed : step.files()) {
            if (placed.unpackInto().isPresent() && unpack(placed, placed.unpackInto().get(), step.owner())) {
                continue;
            }
            String path = placed.path();
            try {
                put(placed, path);
            } catch (GuestException e) {
                if (e.code() != GuestException.Code.IS_DIRECTORY) {
                    throw e;
                }
                String name = placed.file().path();
                path = path + "/" + name.substring(name.lastIndexOf('/') + 1);
                put(placed, path);
            }
            String written = path;
            step.owner().ifPresent(owner -> changeOwner(written, owner));
        }
    }

    private void put(BuildPlan.Placed placed, String path) throws IOException {
        switch (placed.file().kind()) {
            case FILE -> write(placed, path);
            case DIRECTORY -> files().mkdir(ROOT, path, OptionalInt.of(placed.mode()), true, true);
            case LINK -> {
                String above = path.substring(0, path.lastIndexOf('/'));
                if (!above.isEmpty()) {
                    files().mkdir(ROOT, above, OptionalInt.empty(), true, true);
                }
                try (InputStream target = placed.file().content().open()) {
                    files().remove(ROOT, path, false, true);
                    files().symlink(ROOT, new String(target.readAllBytes(), StandardCharsets.UTF_8), path);
                }
            }
        }
    }

    /** Unpacks what is an archive; false when it is none. */
    private boolean unpack(BuildPlan.Placed placed, String into, Optional<String> owner) throws IOException {
        Optional<Archives.Form> form = Archives.form(placed.file().content());
        if (form.isEmpty()) {
            return false;
        }
        files().mkdir(ROOT, into, OptionalInt.empty(), true, true);
        var options = new ArchiveOptions(form.get() == Archives.Form.GZIP, true, 0, 0, owner, OptionalInt.empty());
        try (InputStream content = placed.file().content().open()) {
            var entries = files().extract(ROOT, into, options, content);
        }
        return true;
    }

    /** Copies files of another sandbox as {@code COPY --from} does. */
    void copyFrom(BuildPlan.CopyFrom step, BuildSandbox source) {
        var options = new ArchiveOptions(
                false, false, 0, 0, step.owner(), step.mode().map(OptionalInt::of).orElse(OptionalInt.empty()));
        List<FileInfo> found = step.sources().stream().flatMap(pattern -> source.matching(pattern).stream()).toList();
        boolean into = step.into() || found.size() > 1 || isDirectory(step.destination());
        for (FileInfo file : found) {
            if (file.type() == FileInfo.Type.DIRECTORY) {
                files().mkdir(ROOT, step.destination(), OptionalInt.empty(), true, true);
                copyTree(source, file.path(), step.destination(), options);
            } else {
                String path = into ? below(step.destination(), file.path().substring(file.path().lastIndexOf('/') + 1)) : step.destination();
                copyFile(source, file, path, step);
            }
        }
    }

    /** What is in a directory; the dot leads to it also when it is named by a link. */
    private void copyTree(BuildSandbox source, String path, String into, ArchiveOptions options) {
        String inside = path + "/.";
        try (InputStream tar = source.files().archive(ROOT, inside, List.of(inside), false)) {
            var entries = files().extract(ROOT, into, options, tar);
        } catch (IOException e) {
            throw new UncheckedIOException("the files of another stage cannot be read", e);
        }
    }

    private void copyFile(BuildSandbox source, FileInfo file, String path, BuildPlan.CopyFrom step) {
        try (FileDownload download = source.files().read(ROOT, file.path(), 0, -1)) {
            int mode = step.mode().orElse(download.info().mode());
            var options = new WriteOptions(OptionalInt.of(mode), true, false, false, OptionalLong.empty());
            var written = files().write(ROOT, path, options, download.content());
        }
        step.owner().ifPresent(owner -> changeOwner(path, owner));
    }

    private static String below(String directory, String name) {
        return directory.equals("/") ? "/" + name : directory + "/" + name;
    }

    private boolean isDirectory(String path) {
        try {
            return files().stat(ROOT, path, true).type() == FileInfo.Type.DIRECTORY;
        } catch (GuestException e) {
            return false;
        }
    }

    /** What a source names; at least one. */
    private List<FileInfo> matching(String source) {
        boolean pattern = source.chars().anyMatch(c -> c == '*' || c == '?' || c == '[');
        List<FileInfo> found =
                pattern ? files().glob(ROOT, "/", source.substring(1), MOST_MATCHES) : List.of(files().stat(ROOT, source, true));
        if (found.isEmpty()) {
            throw new GuestException(GuestException.Code.NOT_FOUND, source + ": nothing there matches", "");
        }
        return found;
    }

    /** Applies a layer of an image. */
    LayerApplied apply(InputStream layer, long maxBytes) {
        return files().applyLayer(layer, maxBytes, MOST_LAYER_ENTRIES);
    }

    private void write(BuildPlan.Placed placed, String path) throws IOException {
        var options = new WriteOptions(OptionalInt.of(placed.mode()), true, false, false, OptionalLong.empty());
        try (InputStream content = placed.file().content().open()) {
            var unused = files().write(ROOT, path, options, content);
        }
    }

    private void changeOwner(String path, String owner) {
        String[] parts = owner.split(":", 2);
        // A user alone means its number for the group, too.
        files().chown(ROOT, path, Optional.of(parts[0]), Optional.of(parts.length > 1 ? parts[1] : parts[0]), false);
    }

    private GuestFiles files() {
        return booted().endpoint().files();
    }

    private Occupancy booted() {
        Occupancy now = boot;
        if (now == null) {
            throw new IllegalStateException("no step runs");
        }
        return now;
    }

    /** Ends the boot and puts the disk as it is then under this id in the pool. */
    SnapshotMade keep(SnapshotId snapshot) {
        shutDown();
        return tools.gate().make(() -> tools.warden().snapshot(plain.id(), snapshot));
    }

    /** Puts the disk as it is now under this id in the pool; the boot goes on. */
    SnapshotMade keepRunning(SnapshotId snapshot) {
        return tools.gate().make(() -> tools.warden().snapshot(plain.id(), snapshot));
    }

    boolean isBooted() {
        return boot != null;
    }

    /** Ends the boot and removes the disk, so that the next begins with another. */
    void startOver() {
        shutDown();
        forgetDisk();
    }

    private void shutDown() {
        Killed killed = tools.warden().kill(plain.id());
        tools.usage().ended(plain.id(), plain.project(), killed.usage());
        Occupancy ending = boot;
        boot = null;
        if (ending != null) {
            tools.slots().release(ending.slot(), ending.endpoint());
        }
    }

    /** Ends what runs, from any thread: the step fails. */
    void kill() {
        try {
            var unused = tools.warden().kill(plain.id());
        } catch (AtollException e) {
            LOG.warn("the sandbox {} of a build could not be killed: {}", plain.id(), e.getMessage());
        }
    }

    /** Removes everything; what fails stays listed for the next reconciliation to find it unknown. */
    @Override
    public void close() {
        try {
            shutDown();
            tools.warden().deleteDisk(plain.id());
            tools.usage().forget(plain.id());
        } catch (AtollException e) {
            LOG.warn("the sandbox {} of a build could not be removed for now: {}", plain.id(), e.getMessage());
        }
        listed.remove(plain.id());
    }
}
