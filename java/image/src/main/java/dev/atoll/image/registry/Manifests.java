package dev.atoll.image.registry;

import dev.atoll.domain.ImageException;
import dev.atoll.domain.ImageException.Reason;
import dev.atoll.image.registry.RegistryHttp.Answer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Finds out of what an image consists: index, manifest, configuration (image-spec and Docker's forms of them). */
final class Manifests {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String ACCEPT = String.join(
            ", ",
            "application/vnd.oci.image.index.v1+json",
            "application/vnd.docker.distribution.manifest.list.v2+json",
            "application/vnd.oci.image.manifest.v1+json",
            "application/vnd.docker.distribution.manifest.v2+json");
    private static final Set<String> LAYERS = Set.of(
            "application/vnd.oci.image.layer.v1.tar",
            "application/vnd.oci.image.layer.v1.tar+gzip",
            "application/vnd.oci.image.layer.v1.tar+zstd",
            "application/vnd.oci.image.layer.nondistributable.v1.tar",
            "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
            "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
            "application/vnd.docker.image.rootfs.diff.tar",
            "application/vnd.docker.image.rootfs.diff.tar.gzip",
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");
    private static final int LARGEST_DOCUMENT = 4 << 20;
    private static final int MOST_LAYERS = 256;

    private final RegistryHttp http;
    private final Platform platform;
    private final long maxBytes;

    Manifests(RegistryHttp http, Platform platform, long maxBytes) {
        this.http = http;
        this.platform = platform;
        this.maxBytes = maxBytes;
    }

    /** A JSON text whose content is what its digest names. */
    private record Document(Digest digest, JsonNode root) {}

    ResolvedImage resolve(ImageReference image) {
        Document top = manifest(image, image.version(), image.digest());
        boolean index = top.root().path("manifests").isArray();
        Document manifest = index ? ofPlatform(image, top) : top;
        JsonNode root = manifest.root();
        if (!root.path("layers").isArray() || !root.path("config").isObject()) {
            throw malformed(image, root.path("schemaVersion").asInt(0) == 1
                    ? "has a manifest of schema 1, which is no longer in use"
                    : "has a manifest without configuration and layers");
        }
        List<Descriptor> layers = layers(image, root.path("layers"));
        JsonNode config = config(image, descriptor(image, root.path("config")));
        requirePlatform(image, config);
        List<Digest> diffIds = ImageConfigs.diffIds(image, config);
        if (diffIds.size() != layers.size()) {
            throw malformed(image, "has " + layers.size() + " layers and a configuration of " + diffIds.size());
        }
        return new ResolvedImage(image, manifest.digest(), ImageConfigs.config(image, config), layers, diffIds);
    }

    private Document manifest(ImageReference image, String version, Optional<Digest> expected) {
        try (Answer answer = http.get(image, "manifests/" + version, ACCEPT, 0)) {
            byte[] bytes = read(image, answer, LARGEST_DOCUMENT);
            Optional<Digest> named = expected.or(() -> answer.header("docker-content-digest").flatMap(Digest::find));
            return document(image, "manifest", bytes, named);
        }
    }

    private static byte[] read(ImageReference image, Answer answer, int most) {
        try {
            byte[] bytes = answer.body().readNBytes(most + 1);
            if (bytes.length > most) {
                throw new ImageException(Reason.TOO_LARGE, "a document of image " + image + " is larger than " + most + " bytes");
            }
            return bytes;
        } catch (StallGuard.StalledException e) {
            throw new ImageException(Reason.STALLED, "registry " + image.registry() + " stalls: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new ImageException(
                    Reason.CUT, "the connection to registry " + image.registry() + " broke: " + RegistryHttp.reason(e), e);
        }
    }

    private static Document document(ImageReference image, String what, byte[] bytes, Optional<Digest> named) {
        Digest found = Digest.of(bytes);
        if (named.isPresent() && !named.get().equals(found)) {
            throw new ImageException(
                    Reason.WRONG_DIGEST,
                    "registry " + image.registry() + " sent as " + what + " " + named.get() + " of image " + image + " what is " + found);
        }
        try {
            return new Document(found, JSON.readTree(bytes));
        } catch (JacksonException e) {
            throw malformed(image, "has a " + what + " that is no JSON");
        }
    }

    private Document ofPlatform(ImageReference image, Document index) {
        Set<String> there = new TreeSet<>();
        for (JsonNode entry : index.root().path("manifests")) {
            JsonNode of = entry.path("platform");
            var offered = new Platform(of.path("os").asString(""), of.path("architecture").asString(""));
            if (offered.equals(platform)) {
                Descriptor found = descriptor(image, entry);
                return manifest(image, found.digest().toString(), Optional.of(found.digest()));
            }
            // Attestations are entries of an unknown platform.
            if (!offered.os().equals("unknown") && !offered.os().isEmpty()) {
                there.add(offered.toString());
            }
        }
        throw new ImageException(
                Reason.NO_PLATFORM, "image " + image + " is not there for " + platform + ", only for " + String.join(", ", there));
    }

    private List<Descriptor> layers(ImageReference image, JsonNode list) {
        var layers = new ArrayList<Descriptor>();
        long bytes = 0;
        for (JsonNode entry : list) {
            Descriptor layer = descriptor(image, entry);
            if (!LAYERS.contains(layer.mediaType())) {
                throw malformed(image, "has a layer of type '" + cut(layer.mediaType()) + "', which is none of a file system");
            }
            layers.add(layer);
            bytes = Math.addExact(bytes, layer.size());
        }
        if (layers.isEmpty() || layers.size() > MOST_LAYERS) {
            throw malformed(image, "has " + layers.size() + " layers; allowed: 1 to " + MOST_LAYERS);
        }
        if (bytes > maxBytes) {
            throw new ImageException(
                    Reason.TOO_LARGE, "the layers of image " + image + " are " + bytes + " bytes; images.max_size allows " + maxBytes);
        }
        return layers;
    }

    private static Descriptor descriptor(ImageReference image, JsonNode node) {
        Digest digest = Digest.find(node.path("digest").asString(""))
                .orElseThrow(() -> malformed(image, "names content by no SHA-256"));
        long size = node.path("size").asLong(-1);
        if (size < 0 || size > Long.MAX_VALUE / MOST_LAYERS) {
            throw malformed(image, "names content without its size");
        }
        return new Descriptor(node.path("mediaType").asString(""), digest, size);
    }

    private JsonNode config(ImageReference image, Descriptor config) {
        if (config.size() > LARGEST_DOCUMENT) {
            throw new ImageException(Reason.TOO_LARGE, "the configuration of image " + image + " is " + config.size() + " bytes");
        }
        try (Answer answer = http.get(image, "blobs/" + config.digest(), "*/*", 0)) {
            byte[] bytes = read(image, answer, LARGEST_DOCUMENT);
            return document(image, "configuration", bytes, Optional.of(config.digest())).root();
        }
    }

    /** Old configurations do not say. */
    private void requirePlatform(ImageReference image, JsonNode config) {
        var of = new Platform(config.path("os").asString(platform.os()), config.path("architecture").asString(platform.architecture()));
        if (!of.equals(platform)) {
            throw new ImageException(Reason.NO_PLATFORM, "image " + image + " is for " + of + " only, and this machine is " + platform);
        }
    }

    private static ImageException malformed(ImageReference image, String how) {
        return new ImageException(Reason.MALFORMED, "image " + image + " " + how);
    }

    private static String cut(String text) {
        return text.length() > 100 ? text.substring(0, 100) + "…" : text;
    }
}
