package dev.atoll.image.registry;

import dev.atoll.domain.Template;
import java.util.List;

/**
 * An image of this machine's platform, its manifest and configuration read and checked; its layers are
 * still in the registry.
 *
 * @param manifest digest of the platform's manifest
 * @param layers lowest first
 * @param diffIds digests of the layers as they are uncompressed, as many
 */
public record ResolvedImage(
        ImageReference reference,
        Digest manifest,
        Template.Config config,
        List<Descriptor> layers,
        List<Digest> diffIds) {
    public ResolvedImage {
        layers = List.copyOf(layers);
        diffIds = List.copyOf(diffIds);
    }
}
