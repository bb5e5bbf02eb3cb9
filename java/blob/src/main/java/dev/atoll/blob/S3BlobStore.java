package dev.atoll.blob;

import dev.atoll.domain.UnavailableException;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.RetryableException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.AbortableInputStream;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.model.S3Exception;

/** Blobs as objects of a bucket, of any server that speaks S3 with path-style addresses and signature 4. */
public final class S3BlobStore implements BlobStore {
    /**
     * @param endpoint of the server, {@code http} or {@code https}
     * @param region as the server calls it; many want {@code us-east-1}
     * @param bucket which exists
     * @param prefix before every name, empty or ending with a slash; each node needs one of its own
     */
    public record Settings(
            URI endpoint, String region, String bucket, String prefix, String accessKey, String secretKey) {
        /** Without the secret. */
        @Override
        public String toString() {
            return endpoint + "/" + bucket + "/" + prefix;
        }
    }

    /** Of one attempt; the client tries a call three times. */
    private static final Duration ATTEMPT = Duration.ofSeconds(30);

    private static final Duration CALL = Duration.ofSeconds(100);

    private final Settings settings;
    private final S3Client client;

    private S3BlobStore(Settings settings, S3Client client) {
        this.settings = settings;
        this.client = client;
    }

    /** Asks nothing of the server yet. */
    public static S3BlobStore open(Settings settings) {
        var credentials = AwsBasicCredentials.create(settings.accessKey(), settings.secretKey());
        S3Client client = S3Client.builder()
                .endpointOverride(settings.endpoint())
                .region(Region.of(settings.region()))
                .credentialsProvider(StaticCredentialsProvider.create(credentials))
                .forcePathStyle(true)
                // The newer checksums are unknown to many servers, and what is stored is authenticated.
                .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
                .httpClientBuilder(UrlConnectionHttpClient.builder()
                        .connectionTimeout(Duration.ofSeconds(5))
                        .socketTimeout(ATTEMPT))
                .overrideConfiguration(o -> o.apiCallAttemptTimeout(ATTEMPT).apiCallTimeout(CALL))
                .build();
        return new S3BlobStore(settings, client);
    }

    @Override
    public void put(String name, byte[] content) {
        var unused = call("put " + name, () -> client.putObject(
                put -> put.bucket(settings.bucket()).key(key(name)), RequestBody.fromBytes(content)));
    }

    @Override
    public Optional<byte[]> get(String name) {
        return call("get " + name, () -> {
            try {
                byte[] content = client.getObject(
                        get -> get.bucket(settings.bucket()).key(key(name)), (response, in) -> readBounded(in));
                return Optional.of(BlobStore.requireBounded(name, content));
            } catch (NoSuchKeyException e) {
                return Optional.empty();
            }
        });
    }

    /** At most one byte more than a content may have; of a larger one the rest is not read. */
    private static byte[] readBounded(AbortableInputStream in) {
        try {
            byte[] content = in.readNBytes(MOST_BYTES + 1);
            if (content.length > MOST_BYTES) {
                in.abort();
            }
            return content;
        } catch (IOException e) {
            // As the client's own readers say it: the call is tried again.
            throw RetryableException.create("the answer broke off", e);
        }
    }

    @Override
    public boolean has(String name) {
        return call("head " + name, () -> {
            try {
                var unused = client.headObject(head -> head.bucket(settings.bucket()).key(key(name)));
                return true;
            } catch (NoSuchKeyException e) {
                return false;
            }
        });
    }

    @Override
    public void delete(String name) {
        var unused = call(
                "delete " + name,
                () -> client.deleteObject(delete -> delete.bucket(settings.bucket()).key(key(name))));
    }

    @Override
    public void list(String prefix, Consumer<Blob> each) {
        var listed = call("list " + prefix, () -> {
            client.listObjectsV2Paginator(list -> list.bucket(settings.bucket()).prefix(key(prefix)))
                    .contents()
                    .forEach(object -> each.accept(
                            new Blob(object.key().substring(settings.prefix().length()), object.size())));
            return prefix;
        });
    }

    /** What was answered is durable. */
    @Override
    public void flush() {}

    @Override
    public void close() {
        client.close();
    }

    private String key(String name) {
        return settings.prefix() + name;
    }

    private <T> T call(String what, Supplier<T> call) {
        try {
            return call.get();
        } catch (S3Exception e) {
            throw failed(what, "it answered " + e.statusCode() + ": " + e.getMessage(), e);
        } catch (SdkException e) {
            throw failed(what, String.valueOf(e.getMessage()), e);
        }
    }

    private UnavailableException failed(String what, String why, SdkException cause) {
        return new UnavailableException("the blob store " + settings + " failed at " + what + ": " + why, cause);
    }
}
