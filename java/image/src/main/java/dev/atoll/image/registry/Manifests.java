package dev.atoll.image.registry;

import dev.atoll.domain.ImageException;
import dev.atoll.domain.ImageException.Reason;
import dev.atoll.image.registry.RegistryHttp.Answer;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import tools.jackson.core.JacksonException;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.databind.JsonNode;

/** Finds out of what an image consists: index, manifest, configuration (image-spec and Docker's forms of them). */
final class Manifests {
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
    /** As nearly all are. */
    private static final int SMALL_DOCUMENT = 256 << 10;
    /** Larger ones that are read at the same time: each takes up to some 20 MiB of memory. */
    private static final int AT_ONCE = 4;
    /** Shorter than a registry may send nothing. */
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(15);

    private final RegistryHttp http;
    private final InstantSource clock;
    private final Semaphore turns = new Semaphore(AT_ONCE, true);
    private final Platform platform;
    private final long maxBytes;

    Manifests(RegistryHttp http, InstantSource clock, Platform platform, long maxBytes) {
        this.http = http;
        this.clock = clock;
        this.platform = platform;
        this.maxBytes = maxBytes;
    }

    /** A JSON text whose content is what its digest names. */
    private record Document(Digest digest, JsonNode root) {}

    /** What an image's name leads to: all that is kept of its document. */
    private sealed interface Top {
        /** @param manifest the one of this machine's platform */
        record Index(Descriptor manifest) implements Top {}

        record Manifest(Digest digest, List<Descriptor> layers, Descriptor config) implements Top {}
    }

    ResolvedImage resolve(ImageReference image) {
        Top top = manifest(image, image.version(), image.digest(), document -> top(image, document));
        Top.Manifest manifest = switch (top) {
            case Top.Manifest alone -> alone;
            case Top.Index(Descriptor found) -> manifest(
                    image, found.digest().toString(), Optional.of(found.digest()), document -> parts(image, document));
        };
        return config(image, manifest.config(), config -> resolved(image, manifest, config));
    }

    private Top top(ImageReference image, Document document) {
        return document.root().path("manifests").isArray()
                ? new Top.Index(ofPlatform(image, document))
                : parts(image, document);
    }

    private Top.Manifest parts(ImageReference image, Document manifest) {
        JsonNode root = manifest.root();
        if (!root.path("layers").isArray() || !root.path("config").isObject()) {
            throw malformed(image, root.path("schemaVersion").asInt(0) == 1
                    ? "has a manifest of schema 1, which is no longer in use"
                    : "has a manifest without configuration and layers");
        }
        return new Top.Manifest(
                manifest.digest(), layers(image, root.path("layers")), descriptor(image, root.path("config")));
    }

    private ResolvedImage resolved(ImageReference image, Top.Manifest manifest, JsonNode config) {
        requirePlatform(image, config);
        List<Digest> diffIds = ImageConfigs.diffIds(image, config);
        if (diffIds.size() != manifest.layers().size()) {
            throw malformed(image, "has " + manifest.layers().size() + " layers and a configuration of " + diffIds.size());
        }
        return new ResolvedImage(image, manifest.digest(), ImageConfigs.config(image, config), manifest.layers(), diffIds);
    }

    private <T> T manifest(ImageReference image, String version, Optional<Digest> expected, Function<Document, T> use) {
        try (Answer answer = http.get(image, "manifests/" + version, ACCEPT, 0, Pace.ofDocument(clock))) {
            Optional<Digest> named = expected.or(() -> answer.header("docker-content-digest").flatMap(Digest::find));
            return read(image, "manifest", answer, named, use);
        }
    }

    /** Reads a document, a large one while not too many others are read. @param use what is kept of it must be small */
    private <T> T read(ImageReference image, String what, Answer answer, Optional<Digest> named, Function<Document, T> use) {
        byte[] head = read(image, answer, SMALL_DOCUMENT);
        if (head.length < SMALL_DOCUMENT) {
            return use.apply(document(image, what, head, named));
        }
        takeTurn();
        try {
            byte[] rest = read(image, answer, LARGEST_DOCUMENT - SMALL_DOCUMENT + 1);
            if (head.length + rest.length > LARGEST_DOCUMENT) {
                throw new ImageException(
                        Reason.TOO_LARGE, "a document of image " + image + " is larger than " + LARGEST_DOCUMENT + " bytes");
            }
            byte[] whole = Arrays.copyOf(head, head.length + rest.length);
            System.arraycopy(rest, 0, whole, head.length, rest.length);
            return use.apply(document(image, what, whole, named));
        } finally {
            turns.release();
        }
    }

    private void takeTurn() {
        try {
            if (!turns.tryAcquire(LONGEST_WAIT.toSeconds(), TimeUnit.SECONDS)) {
                throw new ImageException(Reason.UNREACHABLE, "too many large manifests are read at the same time; try again");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ImageException(Reason.UNREACHABLE, "interrupted", e);
        }
    }

    private static byte[] read(ImageReference image, Answer answer, int most) {
        try {
            return answer.body().readNBytes(most);
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
            return new Document(found, Documents.JSON.readTree(bytes));
        } catch (StreamConstraintsException e) {
            throw new ImageException(
                    Reason.TOO_LARGE,
                    "image " + image + " has a " + what + " of too many parts; at most " + Documents.MOST_TOKENS + " names and values", e);
        } catch (JacksonException e) {
            throw malformed(image, "has a " + what + " that is no JSON");
        }
    }

    private Descriptor ofPlatform(ImageReference image, Document index) {
        Set<String> there = new TreeSet<>();
        for (JsonNode entry : index.root().path("manifests")) {
            JsonNode of = entry.path("platform");
            var offered = new Platform(of.path("os").asString(""), of.path("architecture").asString(""));
            if (offered.equals(platform)) {
                return descriptor(image, entry);
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
        if (list.isEmpty() || list.size() > MOST_LAYERS) {
            throw malformed(image, "has " + list.size() + " layers; allowed: 1 to " + MOST_LAYERS);
        }
        var layers = new ArrayList<Descriptor>();
        long bytes = 0;
        for (JsonNode entry : list) {
            Descriptor layer = descriptor(image, entry);
            if (!LAYERS.contains(layer.mediaType())) {
                throw malformed(image, "has a layer of type '" + cut(layer.mediaType()) + "', which is none of a file system");
            }
            layers.add(layer);
            bytes += layer.size();
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
        // So large that the sum of all layers is no number is none either.
        if (size < 0 || size > Long.MAX_VALUE / MOST_LAYERS) {
            throw malformed(image, "names content without its size");
        }
        return new Descriptor(node.path("mediaType").asString(""), digest, size);
    }

    private <T> T config(ImageReference image, Descriptor config, Function<JsonNode, T> use) {
        if (config.size() > LARGEST_DOCUMENT) {
            throw new ImageException(Reason.TOO_LARGE, "the configuration of image " + image + " is " + config.size() + " bytes");
        }
        try (Answer answer = http.get(image, "blobs/" + config.digest(), "*/*", 0, Pace.ofDocument(clock))) {
            return read(image, "configuration", answer, Optional.of(config.digest()), document -> use.apply(document.root()));
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
