package dev.atoll.image.registry;

import dev.atoll.domain.ImageException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Collection;
import java.util.function.BooleanSupplier;

/** The registries that images are had from. Safe from any thread; blocks on the network. */
public final class Registries implements AutoCloseable {
    private final RegistryHttp http;
    private final Manifests manifests;
    private final BlobFiles blobs;
    private final RegistrySettings settings;

    /** @param directory of its own, where layers lie until they are applied */
    public Registries(RegistrySettings settings, Path directory, Clock clock) {
        this.settings = settings;
        http = new RegistryHttp(settings, clock);
        manifests = new Manifests(http, clock, Platform.here(), settings.maxBytes());
        blobs = new BlobFiles(directory, http, clock, settings.atOnce());
    }

    /**
     * Finds an image's parts for this machine's platform.
     *
     * @throws ImageException saying why it cannot be had
     */
    public ResolvedImage resolve(ImageReference image) {
        return manifests.resolve(image);
    }

    /** Files of layers that are there until this is closed. */
    public interface Held extends AutoCloseable {
        /** Removes the files that nobody else holds. */
        @Override
        void close();
    }

    /** Keeps the files of layers, from when they are fetched; closed when they are read no more. */
    public Held hold(Collection<Descriptor> layers) {
        return blobs.hold(layers);
    }

    /**
     * The file of a layer that the caller holds, as the registry has it, its content that of its digest; downloaded when it is
     * not there, where an earlier download ended.
     *
     * @param cancelled asked now and then; true ends the download
     */
    public Path fetch(ImageReference image, Descriptor layer, BooleanSupplier cancelled) {
        return blobs.fetch(image, layer, cancelled);
    }

    /** Whether the registry gives any answer now; waits for its connection. */
    public boolean answers(String registry) {
        return http.answers(registry);
    }

    /** Bytes that an image may have. */
    public long maxBytes() {
        return settings.maxBytes();
    }

    @Override
    public void close() {
        http.close();
    }
}
