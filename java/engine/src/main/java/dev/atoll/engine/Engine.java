package dev.atoll.engine;

import dev.atoll.blob.ArchiveKey;
import dev.atoll.blob.BlobStore;
import dev.atoll.blob.Vault;
import dev.atoll.domain.Builds;
import dev.atoll.domain.Files;
import dev.atoll.domain.Keys;
import dev.atoll.domain.Node;
import dev.atoll.domain.Ports;
import dev.atoll.domain.Processes;
import dev.atoll.domain.SandboxId;
import dev.atoll.domain.Sandboxes;
import dev.atoll.domain.Secrets;
import dev.atoll.domain.Snapshots;
import dev.atoll.domain.Templates;
import dev.atoll.domain.Volumes;
import dev.atoll.guest.GuestHub;
import dev.atoll.image.registry.Registries;
import dev.atoll.store.Store;
import dev.atoll.warden.Warden;
import io.micrometer.core.instrument.MeterRegistry;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The sandbox engine of a node. {@link #start} brings journal and kernel together and returns when
 * everything may be asked; {@link #close} leaves the sandboxes running for the next engine. Store,
 * warden and hub belong to the caller, who closes them afterwards.
 */
public final class Engine implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Engine.class);
    /** How long a close waits for commands under way; what is cut off is finished at the next start. */
    private static final long CLOSE_SECONDS = 15;
    /** What is kept of the output of all ended sandboxes together. */
    private static final long ENDED_OUTPUT_BYTES = 1L << 30;

    /** Where archives of disks are kept, and what they are encrypted with. */
    public record Archives(BlobStore store, ArchiveKey key) {}

    private final SandboxRegistry registry;
    private final Optional<Vault> vault;
    private final WarmPools warm;
    private final DeadlineQueue<SandboxId> rules;
    private final SnapshotService snapshots;
    private final Upkeep upkeep;
    private final Warden.Subscription events;
    private final ExecutorService virtualThreads;
    private final Sandboxes sandboxes;
    private final Processes processes;
    private final Files files;
    private final Ports ports;
    private final Templates templates;
    private final BuildService builds;
    private final Optional<Images> images;
    private final Keys keys;
    private final Secrets secrets;
    private final Volumes volumes;
    private final Node node;

    private Engine(
            EngineConfig config,
            Clock clock,
            SecureRandom random,
            Store store,
            Warden warden,
            GuestHub hub,
            MeterRegistry meterRegistry,
            KillPoints killPoints,
            Optional<Archives> archives) {
        var ids = new Ids(random);
        registry = new SandboxRegistry();
        var quotas = new QuotaKeeper(config.quotas(), registry, clock);
        var meters = new EngineMeters(meterRegistry);
        var facts = new NodeFacts(warden);
        var admission = new PoolAdmission(warden);
        var holds = new PoolHolds(warden);
        var gate = new MakingGate();
        var slots = new SlotFactory(warden, hub, config.sockets(), gate, random, config.dialTimeout());
        var aliases = new ImageAliases(config.aliases());
        var usage = new UsageLedger(store.usage(), clock);
        var nodeKey = NodeKey.in(config.state(), random);
        vault = archives.map(a -> new Vault(a.store(), a.key(), nodeKey.digest("blob store")));
        var archiveService = new ArchiveService(vault, store.archives(), warden, ids, clock);
        var secretService = new SecretService(store.secrets(), nodeKey, ids, clock);
        var volumeService = new VolumeService(store.volumes(), warden, gate, registry, quotas, ids, clock);
        quotas.addDisks(volumeService::bytesOf);
        var output = new EndedOutput(config.state().resolve("ended"), config.spoolBytes(), ENDED_OUTPUT_BYTES);
        virtualThreads = Executors.newVirtualThreadPerTaskExecutor();
        warm = new WarmPools(config.warmSlots(), config.slotMakers(), config.warmSentries(), slots, clock);
        rules = new DeadlineQueue<>("rules", clock, this::checkRules);
        var boot = new Boot(config, warden, warm, slots, gate, ids, facts, meters);
        var entrypoints = new Entrypoints(output, clock, virtualThreads);
        var tools = new OwnerTools(
                config, clock, store.sandboxes(), warden, boot, slots, gate, holds, registry, usage, secretService,
                volumeService, archiveService, quotas, entrypoints, meters, killPoints,
                LogContext.carrying(virtualThreads), rules::arm);
        snapshots = new SnapshotService(store.snapshots(), warden, registry, ids, clock, killPoints, archiveService, virtualThreads);
        var layers = new LayerCare(warden, warm);
        var catalog = new TemplateCatalog(
                store.templates(), store.snapshots(), warden, gate, registry, facts, aliases, layers, ids, clock);
        var cache = new BuildCache(store.buildSteps(), warden, gate, ids, clock);
        var listed = new TransientSandboxes();
        layers.add(catalog::knownLayers);
        layers.add(registry::layers);
        layers.add(snapshots::layers);
        layers.add(cache::layers);
        var isolations = new Isolations(facts);
        var reconciler = new Reconciler(tools, warm, snapshots, catalog, cache, listed, layers, facts);
        reconciler.recover();
        warm.start();
        upkeep = new Upkeep(
                config, registry, store.sandboxes(), warden, usage, secretService, output, archiveService, warm, cache, listed, clock);
        meters.observe(warm::size, registry::count, holds::count);

        var buildTools = new BuildTools(tools, cache, catalog, listed, ids);
        images = config.registries()
                .map(settings -> new Images(buildTools, new Registries(settings, config.state().resolve("images"), clock)));
        var away = new UnreachableRegistries(
                registry -> images.map(i -> i.answers(registry)).orElse(false), clock, virtualThreads);
        var sources = new SourceResolver(catalog, snapshots, aliases, images, away);
        sandboxes = new SandboxService(tools, ids, sources, snapshots, isolations);
        builds = new BuildService(buildTools, sources);
        var calls = new GuestCalls(registry);
        processes = new ProcessService(calls, tools, ids);
        secrets = secretService;
        volumes = volumeService;
        files = new FileService(calls, admission);
        ports = new PortService(calls, clock);
        templates = new TemplateService(catalog, sources);
        keys = new KeyRing(store.keys(), clock, ids, config.operatorKeyHash(), quotas);
        node = new NodeService(
                config, warden, gate, facts, isolations, registry, snapshots, volumeService, archiveService, cache, listed, layers, usage, warm, reconciler,
                upkeep);
        events = warden.events(new NodeEvents(registry, warm, reconciler, meters, admission, holds));
    }

    /**
     * Starts an engine: what an earlier one left running is taken over, what it left half-made is
     * taken back, its rules are armed again.
     *
     * @param clock what rules and instants go by
     * @param random the source of all ids and secrets
     * @param killPoints {@link KillPoints#NONE} but in tests
     * @param archives closed with the engine; empty = nothing is archived
     */
    public static Engine start(
            EngineConfig config,
            Clock clock,
            SecureRandom random,
            Store store,
            Warden warden,
            GuestHub hub,
            MeterRegistry meters,
            KillPoints killPoints,
            Optional<Archives> archives) {
        return new Engine(config, clock, random, store, warden, hub, meters, killPoints, archives);
    }

    public Sandboxes sandboxes() {
        return sandboxes;
    }

    public Processes processes() {
        return processes;
    }

    public Files files() {
        return files;
    }

    public Ports ports() {
        return ports;
    }

    public Snapshots snapshots() {
        return snapshots;
    }

    public Templates templates() {
        return templates;
    }

    public Builds builds() {
        return builds;
    }

    public Keys keys() {
        return keys;
    }

    public Secrets secrets() {
        return secrets;
    }

    public Volumes volumes() {
        return volumes;
    }

    public Node node() {
        return node;
    }

    private void checkRules(SandboxId sandbox) {
        registry.find(sandbox).ifPresent(owner -> owner.enqueue(new SandboxCommand.CheckRules()));
    }

    /** Stops serving. Running sandboxes and their processes go on. */
    @Override
    public void close() {
        events.close();
        rules.close();
        builds.close();
        images.ifPresent(Images::close);
        snapshots.close();
        upkeep.close();
        detachAll();
        warm.close();
        virtualThreads.close();
        vault.ifPresent(Vault::close);
    }

    private void detachAll() {
        CompletableFuture<?>[] detached =
                registry.all().stream().map(SandboxOwner::detach).toArray(CompletableFuture<?>[]::new);
        try {
            CompletableFuture.allOf(detached).orTimeout(CLOSE_SECONDS, TimeUnit.SECONDS).join();
        } catch (CompletionException e) {
            LOG.warn("not every command was done in time; the next start finishes or takes back what is left", e);
        }
    }
}
