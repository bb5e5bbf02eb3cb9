package dev.atoll.app.bench;

import dev.atoll.app.client.Query;
import dev.atoll.app.run.OperatorException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
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
    private static final double MILLIS_PER_SECOND = 1000;
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
                long up = timed(lab.pool(), () -> {
                    long start = System.nanoTime();
                    connection.upload(file, content, LENGTH);
                    return System.nanoTime() - start;
                });
                lab.output(sandbox.id(), "sync");
                long toFile = timed(lab.pool(), () -> peer.toFile(content, LENGTH));
                long down = timed(lab.pool(), () -> {
                    long start = System.nanoTime();
                    requireAll(connection.download(get, buffer));
                    return System.nanoTime() - start;
                });
                long toNowhere = timed(lab.pool(), () -> peer.toNowhere(content, LENGTH));
                if (i >= 0) {
                    upload.addNanos(up);
                    receiver.addNanos(toFile);
                    download.addNanos(down);
                    loopback.addNanos(toNowhere);
                }
            }
            sandbox.delete();
        }
        return result(upload.build(), receiver.build(), download.build(), loopback.build());
    }

    private Result.Measured result(Sample upload, Sample receiver, Sample download, Sample loopback) {
        return new Result.Measured(this,
                List.of(
                        Series.millis("upload", upload),
                        Series.millis("TCP receiver to the pool", receiver),
                        Series.millis("download", download),
                        Series.millis("loopback TCP", loopback)),
                List.of(
                        Verdict.atLeast("rate of upload / TCP receiver", receiver.median() / upload.median(), OF_RECEIVER),
                        Verdict.atLeast("rate of download / loopback TCP", loopback.median() / download.median(), OF_LOOPBACK)),
                List.of(
                        "the receiver writes into a new file of the pool's own file system, without the sandbox's ext4 and loop device between",
                        "the download reads what was just uploaded, from the page cache",
                        String.format(Locale.ROOT, "MiB/s at p50: upload %.0f, receiver %.0f, download %.0f, loopback %.0f",
                                rate(upload), rate(receiver), rate(download), rate(loopback))));
    }

    /** At the median, in MiB/s. */
    private static double rate(Sample millis) {
        return LENGTH_MIB * MILLIS_PER_SECOND / millis.median();
    }

    private static long timed(Path pool, Operation transfer) throws InterruptedException {
        sync(pool);
        return Alternation.afterIdle(transfer);
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
