package dev.atoll.app.bench;

import dev.atoll.app.client.Query;
import dev.atoll.app.run.OperatorException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/**
 * A large file into a sandbox and out of it. Before each transfer all disks are synced, so that none
 * pays for the one before; no side syncs what it writes.
 */
final class TransferBenchmark implements Benchmark {
    private static final int MIB = 1 << 20;
    private static final int LENGTH_MIB = 256;
    private static final long LENGTH = (long) LENGTH_MIB * MIB;
    private static final double OF_RECEIVER = 0.6;
    private static final double OF_LOOPBACK = 0.3;
    private static final double NANOS_PER_SECOND = 1e9;
    private static final String FILE = "/root/transfer";

    @Override
    public String name() {
        return "transfer";
    }

    @Override
    public String work() {
        return "upload and download of " + LENGTH_MIB + " MiB over HTTP";
    }

    @Override
    public Result.Measured run(Bench bench) throws InterruptedException {
        Lab lab = bench.lab();
        lab.serve(Bench.DEFAULT_SLOTS);
        var content = ByteBuffer.allocateDirect(HttpConnection.BUFFER_BYTES);
        var noise = new byte[content.capacity()];
        new Random(1).nextBytes(noise);
        content.put(noise).flip();
        var buffer = ByteBuffer.allocateDirect(HttpConnection.BUFFER_BYTES);
        var upload = new SampleBuilder();
        var download = new SampleBuilder();
        var receiver = new SampleBuilder();
        var loopback = new SampleBuilder();
        try (var connection = lab.connect(); var peer = TcpPeer.in(lab.pool())) {
            Sandbox sandbox = Sandbox.create(connection, Sandbox.request(connection, ""));
            Query file = Query.of("sandboxes", sandbox.id(), "files", "content").with("path", FILE);
            byte[] get = connection.request("GET", file, "");
            for (int i = -1; i < bench.plan().heavyRounds(); i++) {
                lab.output(sandbox.id(), "sh", "-c", "rm -f " + FILE + "; sync");
                double up = rate(lab.pool(), () -> {
                    long start = System.nanoTime();
                    connection.upload(file, content, LENGTH);
                    return System.nanoTime() - start;
                });
                lab.output(sandbox.id(), "sync");
                double toFile = rate(lab.pool(), () -> peer.toFile(content, LENGTH));
                double down = rate(lab.pool(), () -> {
                    long start = System.nanoTime();
                    requireAll(connection.download(get, buffer));
                    return System.nanoTime() - start;
                });
                double toNowhere = rate(lab.pool(), () -> peer.toNowhere(content, LENGTH));
                if (i >= 0) {
                    upload.add(up);
                    receiver.add(toFile);
                    download.add(down);
                    loopback.add(toNowhere);
                }
            }
            sandbox.delete();
        }
        return result(upload.build(), receiver.build(), download.build(), loopback.build());
    }

    private Result.Measured result(Sample upload, Sample receiver, Sample download, Sample loopback) {
        return new Result.Measured(this,
                List.of(
                        new Series("upload", "MiB/s", upload),
                        new Series("TCP receiver to the pool", "MiB/s", receiver),
                        new Series("download", "MiB/s", download),
                        new Series("loopback TCP", "MiB/s", loopback)),
                List.of(
                        Verdict.atLeast("upload, p50 / TCP receiver", upload.median() / receiver.median(), OF_RECEIVER),
                        Verdict.atLeast("download, p50 / loopback TCP", download.median() / loopback.median(), OF_LOOPBACK)),
                List.of(
                        "the receiver writes into a new file of the pool's own file system, without the sandbox's ext4 and loop device between",
                        "the download reads what was just uploaded, from the page cache; of rates, p95 to max are the fast end",
                        "upload / loopback TCP: %.2f".formatted(upload.median() / loopback.median())));
    }

    private static double rate(Path pool, Operation transfer) throws InterruptedException {
        sync(pool);
        return LENGTH_MIB / (Alternation.afterIdle(transfer) / NANOS_PER_SECOND);
    }

    private static void requireAll(long came) {
        if (came != LENGTH) {
            throw new OperatorException("the download has " + came + " bytes instead of " + LENGTH);
        }
    }

    private static void sync(Path fileSystem) throws InterruptedException {
        try {
            int status = new ProcessBuilder("sync", "--file-system", fileSystem.toString()).inheritIO().start().waitFor();
            if (status != 0) {
                throw new OperatorException("sync of " + fileSystem + " failed");
            }
        } catch (IOException e) {
            throw new UncheckedIOException("sync cannot be run", e);
        }
    }
}
