package dev.atoll.engine;

import dev.atoll.domain.GuestException;
import dev.atoll.domain.ImageException;
import dev.atoll.domain.ImageException.Reason;
import dev.atoll.domain.ProjectId;
import dev.atoll.domain.Resources;
import dev.atoll.domain.SnapshotId;
import dev.atoll.domain.Template;
import dev.atoll.domain.TemplateId;
import dev.atoll.domain.UnavailableException;
import dev.atoll.guest.LayerApplied;
import dev.atoll.image.registry.Descriptor;
import dev.atoll.image.registry.Digest;
import dev.atoll.image.registry.ImageReference;
import dev.atoll.image.registry.Registries;
import dev.atoll.image.registry.ResolvedImage;
import dev.atoll.store.BuildStepRecord;
import dev.atoll.warden.DiskSource;
import dev.atoll.warden.SnapshotMade;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Makes a template of one image: downloads the layers that the cache does not have, all at a time, and
 * applies them in their order in a sandbox, whose disk is kept after each by the digests up to it. So images
 * that begin alike share that part, whoever pulled it. Runs on a thread of its own; others wait for it and read
 * its log.
 */
final class ImagePull {
    private final ProjectId project;
    private final ImageReference reference;
    private final BuildTools tools;
    private final Registries registries;
    private final BuildLogBuffer log = new BuildLogBuffer();
    private final CompletableFuture<Template> ended = new CompletableFuture<>();
    private final AtomicInteger waiting = new AtomicInteger();
    /** The key of the layer that the sandbox's disk got last. */
    private String onDisk = "";

    ImagePull(ProjectId project, ImageReference reference, BuildTools tools, Registries registries) {
        this.project = project;
        this.reference = reference;
        this.tools = tools;
        this.registries = registries;
    }

    CompletableFuture<Template> ended() {
        return ended;
    }

    BuildLogBuffer log() {
        return log;
    }

    /** Somebody waits for it; false when all had given up and it is ending. */
    boolean join() {
        return waiting.getAndUpdate(n -> n < 0 ? n : n + 1) >= 0;
    }

    /** Nobody who waits any more ends it. */
    void leave() {
        waiting.updateAndGet(n -> n <= 1 ? -1 : n - 1);
    }

    void cancel() {
        waiting.set(-1);
    }

    private boolean isCancelled() {
        return waiting.get() < 0;
    }

    void run() {
        try {
            Template template = pull();
            log.end();
            ended.complete(template);
        } catch (RuntimeException | Error e) {
            // Whatever it was: others wait for the end.
            log.append(e.getMessage() + "\n");
            log.end();
            ended.completeExceptionally(e);
        }
    }

    private Template pull() {
        log.append("Pulling " + reference + "\n");
        ResolvedImage image = registries.resolve(reference);
        String templateKey = BuildKeys.image(image.manifest());
        Optional<Template> there = tools.catalog().built(project, templateKey).filter(t -> t.name().equals(reference.toString()));
        if (there.isPresent()) {
            log.append("The image is the one that is here\n");
            return there.get();
        }
        List<String> keys = keys(image);
        apply(image, keys);
        BuildCache.Made made = tools.cache().layerOf(
                keys.getLast(), () -> tools.killPoints().reached(KillPoint.BUILD_LAYER_MADE));
        var template = new Template(
                new TemplateId(tools.ids().next()), reference.toString(), Optional.of(project), List.of(made.layer()),
                image.config(), made.bytes(), false, List.of(), tools.clock().instant());
        tools.catalog().enter(template, templateKey);
        log.append("Digest: " + image.manifest() + "\n");
        return template;
    }

    private static List<String> keys(ResolvedImage image) {
        var keys = new ArrayList<String>();
        String below = "";
        for (Descriptor layer : image.layers()) {
            below = BuildKeys.layer(below, layer.digest());
            keys.add(below);
        }
        return keys;
    }

    private void apply(ResolvedImage image, List<String> keys) {
        int first = cached(keys);
        for (int i = 0; i < first; i++) {
            log.append(shown(image.layers().get(i)) + ": already here\n");
        }
        if (first == keys.size()) {
            return;
        }
        List<Descriptor> missing = image.layers().subList(first, keys.size());
        try (var held = registries.hold(missing)) {
            apply(image, keys, missing);
        }
    }

    /** Those that the cache does not have. @param missing their descriptors, which are held */
    private void apply(ResolvedImage image, List<String> keys, List<Descriptor> missing) {
        int first = keys.size() - missing.size();
        List<CompletableFuture<Path>> files = missing.stream()
                .map(layer -> CompletableFuture.supplyAsync(
                        () -> registries.fetch(reference, layer, this::isCancelled), tools.owners().virtualThreads()))
                .toList();
        Resources defaults = tools.owners().config().defaults();
        var resources = new Resources(
                defaults.cpuMillis(), defaults.memoryBytes(), Math.max(defaults.diskBytes(), registries.maxBytes()), 0);
        try (BuildSandbox box = tools.sandboxOfFiles(project, new TemplateId(tools.ids().next()), resources, List.of())) {
            for (int i = first; i < keys.size(); i++) {
                Path file = await(files.get(i - first));
                layer(box, image, keys, i, file, resources.diskBytes());
            }
        } finally {
            leaveNone(files);
        }
    }

    /** What still downloads for a pull that failed ends, so that nothing of it goes on. */
    private void leaveNone(List<CompletableFuture<Path>> files) {
        if (files.stream().anyMatch(file -> !file.isDone())) {
            cancel();
        }
        files.forEach(file -> file.handle((path, failed) -> path).join());
    }

    /** How many from the lowest on are kept already. */
    private int cached(List<String> keys) {
        for (int i = keys.size(); i > 0; i--) {
            if (tools.cache().find(keys.get(i - 1)).isPresent()) {
                tools.cache().used(keys.subList(0, i));
                return i;
            }
        }
        return 0;
    }

    private static Path await(CompletableFuture<Path> file) {
        try {
            return file.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        }
    }

    /** Applies a layer, or waits for another pull that does. */
    private void layer(BuildSandbox box, ResolvedImage image, List<String> keys, int index, Path file, long diskBytes) {
        String key = keys.get(index);
        while (true) {
            Optional<CompletableFuture<Void>> other = tools.cache().turn(key);
            if (other.isEmpty()) {
                break;
            }
            other.get().join();
            if (tools.cache().find(key).isPresent()) {
                log.append(shown(image.layers().get(index)) + ": already here\n");
                return;
            }
        }
        try {
            if (isCancelled()) {
                throw new UnavailableException("the pull of image " + reference + " was cancelled");
            }
            boot(box, index == 0 ? "" : keys.get(index - 1), diskBytes);
            applyTo(box, image, index, file);
            keep(box, key);
        } finally {
            tools.cache().done(key);
        }
    }

    /** No code of the image runs, so one boot applies layer after layer. */
    private void boot(BuildSandbox box, String below, long diskBytes) {
        if (box.isBooted()) {
            if (onDisk.equals(below)) {
                return;
            }
            box.startOver();
        }
        if (below.isEmpty()) {
            box.boot(new DiskSource.Fresh(diskBytes));
            return;
        }
        SnapshotId disk = tools.cache().find(below)
                .map(BuildStepRecord::snapshot)
                .orElseThrow(() -> new UnavailableException("a layer of image " + reference + " was dropped meanwhile; try again"));
        tools.cache().pin(disk);
        try {
            box.boot(new DiskSource.OfSnapshot(disk));
        } finally {
            tools.cache().unpin(disk);
        }
    }

    private void applyTo(BuildSandbox box, ResolvedImage image, int index, Path file) {
        Descriptor layer = image.layers().get(index);
        LayerApplied applied;
        try (InputStream content = Files.newInputStream(file)) {
            applied = box.apply(content, registries.maxBytes());
        } catch (GuestException e) {
            throw refused(layer, e);
        } catch (IOException e) {
            throw new UncheckedIOException("layer " + layer.digest() + " cannot be read", e);
        }
        Digest expected = image.diffIds().get(index);
        if (!applied.sha256().equals(expected.hex())) {
            throw new ImageException(
                    Reason.WRONG_DIGEST,
                    "layer " + layer.digest() + " of image " + reference + " is sha256:" + applied.sha256()
                            + " uncompressed, and the image's configuration says " + expected);
        }
        log.append(shown(layer) + ": " + applied.entries() + " entries, " + applied.bytes() + " bytes"
                + (applied.skipped() > 0 ? ", " + applied.skipped() + " passed over" : "") + "\n");
    }

    private ImageException refused(Descriptor layer, GuestException e) {
        Reason reason = switch (e.code()) {
            case TOO_LARGE, NO_SPACE -> Reason.TOO_LARGE;
            default -> Reason.MALFORMED;
        };
        return new ImageException(
                reason, "layer " + layer.digest() + " of image " + reference + " cannot be applied: " + e.getMessage(), e);
    }

    private void keep(BuildSandbox box, String key) {
        SnapshotId snapshot = tools.cache().begin();
        try {
            SnapshotMade made = box.keepRunning(snapshot);
            tools.killPoints().reached(KillPoint.BUILD_STEP_KEPT);
            tools.cache().keep(key, project, snapshot, List.of(), made.used());
            onDisk = key;
        } catch (RuntimeException e) {
            tools.cache().abandon(snapshot);
            throw e;
        }
    }

    private static String shown(Descriptor layer) {
        return layer.digest().hex().substring(0, 12);
    }
}
