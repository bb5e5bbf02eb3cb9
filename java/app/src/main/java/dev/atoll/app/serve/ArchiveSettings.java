package dev.atoll.app.serve;

import dev.atoll.app.config.ArchiveConfig;
import dev.atoll.blob.ArchiveKey;
import dev.atoll.blob.BlobStore;
import dev.atoll.blob.DirectoryBlobStore;
import dev.atoll.blob.S3BlobStore;
import dev.atoll.engine.Engine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.random.RandomGenerator;

/** The blob store of the configuration. */
final class ArchiveSettings {
    private ArchiveSettings() {}

    /**
     * @param state directory of the engine
     * @param random of cryptographic quality
     */
    static Optional<Engine.Archives> open(ArchiveConfig config, Path state, RandomGenerator random) {
        return switch (config.store()) {
            case NONE -> Optional.empty();
            case DIRECTORY -> {
                Path directory = config.directory().map(Path::of).orElse(state.resolve("archive"));
                yield Optional.of(archives(config, state, random, DirectoryBlobStore.open(directory)));
            }
            case S3 -> Optional.of(archives(config, state, random, S3BlobStore.open(s3(config))));
        };
    }

    private static Engine.Archives archives(ArchiveConfig config, Path state, RandomGenerator random, BlobStore store) {
        ArchiveKey key = config.keyFile().isPresent()
                ? ArchiveKey.read(Path.of(config.keyFile().get()), random)
                : ArchiveKey.readOrMake(state.resolve("archive.key"), random);
        return new Engine.Archives(store, key);
    }

    private static S3BlobStore.Settings s3(ArchiveConfig config) {
        Path secret = Path.of(config.s3SecretKeyFile().orElseThrow());
        try {
            return new S3BlobStore.Settings(
                    URI.create(config.s3Endpoint().orElseThrow()),
                    config.s3Region(),
                    config.s3Bucket().orElseThrow(),
                    config.s3Prefix(),
                    config.s3AccessKey().orElseThrow(),
                    Files.readString(secret).strip());
        } catch (IOException e) {
            throw new UncheckedIOException("the secret key of the blob store cannot be read: " + secret, e);
        }
    }
}
