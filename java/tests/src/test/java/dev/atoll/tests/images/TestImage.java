package dev.atoll.tests.images;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.GZIPOutputStream;
import dev.atoll.tests.Tar;
import tools.jackson.databind.json.JsonMapper;

/** An image that a test makes, and pushes by the distribution specification. Not safe for several threads. */
final class TestImage {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    static final String MANIFEST = "application/vnd.oci.image.manifest.v1+json";
    static final String INDEX = "application/vnd.oci.image.index.v1+json";
    private static final String LAYER = "application/vnd.oci.image.layer.v1.tar";

    /** How a layer is sent. */
    enum Compression {
        NONE(""),
        GZIP("+gzip"),
        ZSTD("+zstd");

        private final String suffix;

        Compression(String suffix) {
            this.suffix = suffix;
        }
    }

    /** @param diffId digest of the plain bytes, or what the image says it is */
    private record Layer(byte[] blob, String mediaType, String diffId) {}

    private final List<Layer> layers = new ArrayList<>();
    private final Map<String, Object> config = new LinkedHashMap<>();
    private String architecture = System.getProperty("os.arch").equals("aarch64") ? "arm64" : "amd64";

    private TestImage() {}

    static TestImage empty() {
        return new TestImage();
    }

    /** One in which a shell and its usual commands are. */
    static TestImage withShell() {
        return new TestImage().layer(shell());
    }

    /** The layer of such images. */
    static Tar shell() {
        Tar tar = Tar.of().as(0755, 0, 0).directory("bin/").directory("etc/").directory("tmp/");
        try {
            tar.file("bin/busybox", Files.readAllBytes(DebianPackage.file("busybox-static", "bin/busybox")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        for (String name : List.of(
                "sh", "cat", "ls", "stat", "id", "env", "sort", "find", "sleep", "echo", "mkdir", "rm", "cp", "readlink",
                "head", "wc", "sha256sum", "true", "pwd", "test", "cut", "tr", "chmod", "uname", "ln")) {
            tar.symlink("bin/" + name, "busybox");
        }
        return tar.as(0644, 0, 0)
                .file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n")
                .file("etc/group", "root:x:0:\napp:x:1000:\n");
    }

    TestImage layer(Tar tar) {
        return layer(tar, Compression.GZIP);
    }

    TestImage layer(Tar tar, Compression compression) {
        byte[] plain = tar.bytes();
        layers.add(new Layer(compressed(plain, compression), LAYER + compression.suffix, digest(plain)));
        return this;
    }

    /** A layer whose configuration says another digest of its content. */
    TestImage layerWithWrongDiffId(Tar tar) {
        byte[] plain = tar.bytes();
        layers.add(new Layer(compressed(plain, Compression.GZIP), LAYER + "+gzip", digest(new byte[] {1})));
        return this;
    }

    /** A key of the configuration's {@code config}. */
    TestImage config(String key, Object value) {
        config.put(key, value);
        return this;
    }

    TestImage architecture(String value) {
        architecture = value;
        return this;
    }

    /** The digest that the layer of this index is asked for by. */
    String layerDigest(int index) {
        return digest(layers.get(index).blob());
    }

    /** Puts it into a registry; returns the manifest's digest. */
    String push(String host, String repository, String tag) {
        layers.forEach(layer -> blob(host, repository, layer.blob()));
        byte[] manifest = manifest(host, repository);
        return put(host, repository, tag, MANIFEST, manifest);
    }

    /** Of several platforms, each image with its architecture. */
    static String pushIndex(String host, String repository, String tag, List<TestImage> images) {
        var entries = new ArrayList<Object>();
        entries.add(Map.of(
                "mediaType", MANIFEST, "digest", digest(new byte[] {9}), "size", 1,
                "platform", Map.of("os", "unknown", "architecture", "unknown")));
        for (TestImage image : images) {
            image.layers.forEach(layer -> blob(host, repository, layer.blob()));
            byte[] manifest = image.manifest(host, repository);
            String digest = put(host, repository, digest(manifest), MANIFEST, manifest);
            entries.add(Map.of(
                    "mediaType", MANIFEST, "digest", digest, "size", manifest.length,
                    "platform", Map.of("os", "linux", "architecture", image.architecture)));
        }
        // The registry wants every manifest that an index names; attestations are sent by name only.
        entries.removeFirst();
        return put(host, repository, tag, INDEX, json(Map.of("schemaVersion", 2, "mediaType", INDEX, "manifests", entries)));
    }

    private byte[] manifest(String host, String repository) {
        byte[] configuration = json(Map.of(
                "architecture", architecture, "os", "linux", "config", config,
                "rootfs", Map.of("type", "layers", "diff_ids", layers.stream().map(Layer::diffId).toList())));
        blob(host, repository, configuration);
        return json(Map.of(
                "schemaVersion", 2,
                "mediaType", MANIFEST,
                "config", descriptor("application/vnd.oci.image.config.v1+json", configuration),
                "layers", layers.stream().map(layer -> descriptor(layer.mediaType(), layer.blob())).toList()));
    }

    private static Map<String, Object> descriptor(String mediaType, byte[] content) {
        return Map.of("mediaType", mediaType, "digest", digest(content), "size", content.length);
    }

    private static void blob(String host, String repository, byte[] content) {
        String base = "http://" + host + "/v2/" + repository + "/blobs/";
        if (send(request(base + digest(content)).method("HEAD", BodyPublishers.noBody()), Set.of(200, 404)) == 200) {
            return;
        }
        try {
            var started = CLIENT.send(request(base + "uploads/").POST(BodyPublishers.noBody()).build(), BodyHandlers.discarding());
            String location = URI.create(base).resolve(started.headers().firstValue("Location").orElseThrow()).toString();
            send(
                    request(location + (location.indexOf('?') < 0 ? '?' : '&') + "digest=" + digest(content))
                            .header("Content-Type", "application/octet-stream")
                            .PUT(BodyPublishers.ofByteArray(content)),
                    Set.of(201));
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static String put(String host, String repository, String version, String type, byte[] manifest) {
        send(
                request("http://" + host + "/v2/" + repository + "/manifests/" + version)
                        .header("Content-Type", type)
                        .PUT(BodyPublishers.ofByteArray(manifest)),
                Set.of(201));
        return digest(manifest);
    }

    private static HttpRequest.Builder request(String uri) {
        String login = RegistryProcess.USER + ":" + RegistryProcess.PASSWORD;
        return HttpRequest.newBuilder(URI.create(uri))
                .header("Authorization", "Basic " + Base64.getEncoder().encodeToString(login.getBytes(StandardCharsets.UTF_8)));
    }

    private static int send(HttpRequest.Builder request, Set<Integer> expected) {
        try {
            var answer = CLIENT.send(request.build(), BodyHandlers.ofString());
            if (!expected.contains(answer.statusCode())) {
                throw new AssertionError(answer + ": " + answer.body());
            }
            return answer.statusCode();
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static byte[] json(Map<String, Object> value) {
        return JSON.writeValueAsBytes(value);
    }

    static String digest(byte[] content) {
        try {
            return "sha256:" + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    private static byte[] compressed(byte[] plain, Compression compression) {
        return switch (compression) {
            case NONE -> plain;
            case GZIP -> gzip(plain);
            case ZSTD -> zstd(plain);
        };
    }

    private static byte[] gzip(byte[] plain) {
        var out = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(out)) {
            gzip.write(plain);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    /** A frame of blocks that are not compressed (RFC 8878, 3.1.1), window 1 MiB. */
    private static byte[] zstd(byte[] plain) {
        int largest = 128 << 10;
        var out = new ByteArrayOutputStream();
        out.writeBytes(new byte[] {0x28, (byte) 0xb5, 0x2f, (byte) 0xfd, 0, 0x50});
        for (int at = 0; at < plain.length; at += largest) {
            int length = Math.min(largest, plain.length - at);
            int header = length << 3 | (at + length == plain.length ? 1 : 0);
            out.write(header);
            out.write(header >> 8);
            out.write(header >> 16);
            out.write(plain, at, length);
        }
        return out.toByteArray();
    }
}
