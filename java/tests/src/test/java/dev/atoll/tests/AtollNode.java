package dev.atoll.tests;

import dev.atoll.blob.ArchiveKey;
import dev.atoll.blob.BlobStore;
import dev.atoll.blob.DirectoryBlobStore;
import dev.atoll.domain.Caller;
import dev.atoll.domain.CreateSandbox;
import dev.atoll.domain.Execution;
import dev.atoll.domain.Isolation;
import dev.atoll.domain.ProcessSpec;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Resources;
import dev.atoll.domain.Sandbox;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.SnapshotId;
import dev.atoll.domain.Source;
import dev.atoll.engine.Engine;
import dev.atoll.engine.EngineConfig;
import dev.atoll.engine.EngineConfig.Alias;
import dev.atoll.engine.EngineConfig.Prefer;
import dev.atoll.engine.KillPoints;
import dev.atoll.guest.GuestHub;
import dev.atoll.store.SqliteStore;
import dev.atoll.store.Store;
import dev.atoll.warden.Warden;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A node for tests: a real warden as root, an engine in this process, real sandboxes. Either half can
 * be ended and started again; closing removes everything from the kernel and the disk.
 */
public final class AtollNode implements AutoCloseable {
    /** An ordinary key's caller. */
    public static final Caller CALLER = new Caller(ProjectId.DEFAULT, "test", false);

    static final long DISK_BYTES = 2L << 30;

    private static final long MEMORY = 512 * Resources.MIB;

    private final NodePlace place;
    private final WardenProcess wardenProcess;
    private final UnaryOperator<EngineConfig> configured;
    private final KillPoints killPoints;
    private final UnaryOperator<BlobStore> blobs;
    private final TestClock clock = new TestClock();
    private @Nullable Running running;
    private @Nullable NodeRange range;

    /** What lives as long as one engine. */
    private record Running(Store store, Warden warden, GuestHub hub, Engine engine) {}

    private AtollNode(
            NodePlace place,
            UnaryOperator<EngineConfig> configured,
            KillPoints killPoints,
            UnaryOperator<BlobStore> blobs) {
        this.configured = configured;
        this.killPoints = killPoints;
        this.blobs = blobs;
        this.place = place;
        this.wardenProcess = new WardenProcess(place);
    }

    public static AtollNode start() {
        return start(config -> config);
    }

    /**
     * The node of all tests of this JVM that only make sandboxes of their own; it ends with the JVM. A
     * test that restarts, fills or breaks something starts a node of its own.
     */
    public static AtollNode shared() {
        return Shared.NODE;
    }

    private static final class Shared {
        static final AtollNode NODE = AtollNode.start();

        static {
            Runtime.getRuntime().addShutdownHook(new Thread(NODE::close, "shared-node-end"));
        }
    }

    /** @param configured changes the configuration that the engine gets, at each of its starts */
    public static AtollNode start(UnaryOperator<EngineConfig> configured) {
        return start(PoolSize.AMPLE, configured);
    }

    public static AtollNode start(PoolSize pool, UnaryOperator<EngineConfig> configured) {
        return start(pool, Optional.empty(), configured, NodePlace.program("atoll-guest"));
    }

    /** @param blobs put between the engine and the store of its archives */
    public static AtollNode startWithBlobs(UnaryOperator<EngineConfig> configured, UnaryOperator<BlobStore> blobs) {
        return start(PoolSize.AMPLE, Optional.empty(), configured, NodePlace.program("atoll-guest"), blobs);
    }

    /** @param resolver whom its sandboxes' names are asked of, in place of the host's */
    public static AtollNode startWithResolver(String resolver) {
        return start(PoolSize.AMPLE, Optional.of(resolver), config -> config, NodePlace.program("atoll-guest"));
    }

    /** A node whose sandboxes get the guest of the version before, until {@link #updateGuest}. */
    public static AtollNode startOfVersionBefore() {
        return start(PoolSize.AMPLE, Optional.empty(), config -> config, NodePlace.previousGuest());
    }

    /** The warden's next start takes today's guest. */
    public void updateGuest() {
        NodeRange taken = range;
        if (taken == null) {
            throw new IllegalStateException("the node of another process");
        }
        wardenProcess.configure(place, taken, PoolSize.AMPLE, Optional.empty(), NodePlace.program("atoll-guest"));
    }

    private static AtollNode start(
            PoolSize pool, Optional<String> resolver, UnaryOperator<EngineConfig> configured, Path guest) {
        return start(pool, resolver, configured, guest, store -> store);
    }

    private static AtollNode start(
            PoolSize pool,
            Optional<String> resolver,
            UnaryOperator<EngineConfig> configured,
            Path guest,
            UnaryOperator<BlobStore> blobs) {
        var node = new AtollNode(NodePlace.fresh(), configured, KillPoints.NONE, blobs);
        NodeRange range = NodeRange.take();
        node.range = range;
        try {
            node.wardenProcess.configure(node.place, range, pool, resolver, guest);
            node.wardenProcess.start();
            node.startEngine();
            return node;
        } catch (RuntimeException e) {
            try {
                node.close();
            } catch (RuntimeException unclean) {
                e.addSuppressed(unclean);
            }
            throw e;
        }
    }

    /** An engine on the node of another process, which has no engine of its own meanwhile. Not to be closed. */
    public static AtollNode attach(String instance, KillPoints killPoints) {
        var node = new AtollNode(NodePlace.of(instance), config -> config, killPoints, store -> store);
        node.startEngine();
        return node;
    }

    /** What everything of this node in the kernel is called after. */
    public String instance() {
        return place.instance();
    }

    /** The engine's own directory: its database and its key. */
    public Path engineState() {
        return place.state();
    }

    public Engine engine() {
        return current().engine();
    }

    /** A connection of the test's own to see what the warden holds. */
    public Warden warden() {
        return current().warden();
    }

    /** The same while no engine runs in this process; to be closed. */
    public Warden connectWarden() {
        return Warden.at(wardenProcess.socket());
    }

    public Store store() {
        return current().store();
    }

    /** What rules and expiries go by. */
    public TestClock clock() {
        return clock;
    }

    public void startEngine() {
        EngineConfig config = configured.apply(EngineConfig.defaults("test", place.run().resolve("s"), place.state())
                .withWarmSlots(2)
                .withDefaults(new Resources(1000, MEMORY, DISK_BYTES, 0))
                .withAliases(List.of(new Alias("python:*", "base", Prefer.ALIAS))));
        Store store = SqliteStore.open(place.state().resolve("atoll.db"));
        Warden warden = Warden.at(wardenProcess.socket());
        var hub = new GuestHub();
        Engine engine = Engine.start(
                config, clock, new SecureRandom(), store, warden, hub, new SimpleMeterRegistry(), killPoints, archives());
        running = new Running(store, warden, hub, engine);
    }

    /** Where archived disks lie, encrypted. */
    public Path archiveDir() {
        return place.state().resolve("archive");
    }

    private Optional<Engine.Archives> archives() {
        var random = new SecureRandom();
        return Optional.of(new Engine.Archives(
                blobs.apply(DirectoryBlobStore.open(archiveDir())),
                ArchiveKey.readOrMake(place.state().resolve("archive.key"), random)));
    }

    /** Ends the engine as a shutdown does; sandboxes go on. */
    public void stopEngine() {
        Running ending = current();
        running = null;
        ending.engine().close();
        ending.hub().close();
        ending.warden().close();
        ending.store().close();
    }

    public void restartEngine() {
        stopEngine();
        startEngine();
    }

    /** kill -9. */
    public void killWarden() {
        wardenProcess.kill();
    }

    /**
     * What a reboot of the machine leaves: every process of the instance is killed at once, nothing is
     * mounted, the run directory is gone; the state directory is as it was. Neither an engine nor a
     * warden runs afterwards. An engine in this process would see it coming: it must be stopped before.
     */
    public void reboot() {
        if (running != null) {
            throw new IllegalStateException("an engine runs in this process");
        }
        wardenProcess.kill();
        Kernel.killAll(place.instance());
        wardenProcess.removeFromKernel();
        remove(place.run());
    }

    /** Returns when it serves. */
    public void startWarden() {
        wardenProcess.start();
    }

    /** What the warden keeps of a hibernated sandbox. */
    public Path saved(SandboxId sandbox) {
        return place.state().resolve("pool/memory").resolve(sandbox.value());
    }

    /** What the warden keeps of the memory of a snapshot. */
    public Path saved(SnapshotId snapshot) {
        return place.state().resolve("pool/memory").resolve(snapshot.value());
    }

    /** The program that sandboxes of gVisor are run by, from the next start of the warden on. */
    public void useRunsc(Path program) {
        wardenProcess.useRunsc(program);
    }

    /** The one that they are run by otherwise. */
    public static Path runsc() {
        return NodePlace.runsc();
    }

    /** Where inside a live sandbox's root a path is, as the host sees it. */
    public Path hostPath(SandboxId sandbox, String path) {
        return Path.of(Kernel.rootOf(pidOf(sandbox)) + path);
    }

    /** PID 1 of a live sandbox, in the host's numbering. */
    public int pidOf(SandboxId sandbox) {
        return warden().listAll().live().stream()
                .filter(live -> live.id().equals(sandbox))
                .findFirst()
                .orElseThrow(() -> new AssertionError(sandbox + " does not live"))
                .pid();
    }

    /** A sandbox of the base template. */
    public Sandbox create() {
        return engine().sandboxes().create(CALLER, base().build());
    }

    public Sandbox create(Isolation isolation) {
        return engine().sandboxes().create(CALLER, base(isolation).build());
    }

    /** A sandbox of the base template for a test to run things in. */
    public Inside inside() {
        return inside(base());
    }

    public Inside inside(CreateSandbox.Builder spec) {
        return new Inside(engine(), engine().sandboxes().create(CALLER, spec.build()).id());
    }

    public static CreateSandbox.Builder base() {
        return CreateSandbox.from(new Source.OfTemplate("base"));
    }

    /** Of a class that the caller names. */
    public static CreateSandbox.Builder base(Isolation isolation) {
        return base().isolation(Optional.of(isolation));
    }

    /** Runs a shell command and returns its trimmed output; a failure of it fails the test. */
    public String sh(SandboxId sandbox, String command) {
        Execution done = run(sandbox, command);
        if (done.exit().code() != 0) {
            throw new AssertionError(command + " ended with " + done.exit() + ": " + text(done.stderr()));
        }
        return text(done.stdout()).strip();
    }

    public Execution run(SandboxId sandbox, String command) {
        return engine().processes().run(CALLER, sandbox, ProcessSpec.shell("/bin/sh", command), 1 << 20);
    }

    public static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private Running current() {
        Running now = running;
        if (now == null) {
            throw new IllegalStateException("no engine runs");
        }
        return now;
    }

    @Override
    public void close() {
        try {
            if (running != null) {
                stopEngine();
            }
        } finally {
            wardenProcess.tearDown();
            Kernel.awaitNothingLeft(place.instance());
            remove(place.state());
            remove(place.run());
            NodeRange taken = range;
            if (taken != null) {
                taken.close();
            }
        }
    }

    private static void remove(Path directory) {
        try (Stream<Path> below = Files.exists(directory) ? Files.walk(directory) : Stream.empty()) {
            for (Path path : below.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
