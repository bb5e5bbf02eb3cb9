package dev.atoll.blob;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.awaitility.Awaitility;

/** A real S3 server, whose objects are files of a directory: {@code <directory>/<bucket>/<key>}. */
final class S3Server implements AutoCloseable {
    static final String BUCKET = "archives";

    private final Process process;
    private final int port;

    private S3Server(Process process, int port) {
        this.process = process;
        this.port = port;
    }

    static S3Server start(Path directory) throws IOException {
        Path program = Path.of(Optional.ofNullable(System.getenv("ATOLL_S3_SERVER"))
                .orElse("/var/cache/atoll/s3/v1.8.0/versitygw"));
        if (!Files.isExecutable(program)) {
            throw new IllegalStateException(program + " is missing: tools/s3.sh builds it");
        }
        Files.createDirectories(directory.resolve(BUCKET));
        int port = freePort();
        Process process = new ProcessBuilder(List.of(
                        program.toString(), "--port", "127.0.0.1:" + port, "--access", "tester", "--secret", "secret",
                        "--quiet", "posix", directory.toString()))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        var server = new S3Server(process, port);
        Awaitility.await().atMost(Duration.ofSeconds(20)).until(server::listens);
        return server;
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private boolean listens() {
        try (var socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1000);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    S3BlobStore.Settings settings(String prefix, String secret) {
        return new S3BlobStore.Settings(
                URI.create("http://127.0.0.1:" + port), "us-east-1", BUCKET, prefix, "tester", secret);
    }

    @Override
    public void close() {
        process.destroyForcibly().onExit().join();
    }
}
