package dev.atoll.app.bench;

import dev.atoll.app.client.Query;
import dev.atoll.app.run.OperatorException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A disk to the blob store and back; the store is a directory beside the pool. */
final class ArchiveBenchmark implements Benchmark {
    private static final int LENGTH_MIB = 1024;
    private static final double OF_PEER = 0.4;
    private static final double OF_FIRST = 0.7;
    private static final double MILLIS_PER_SECOND = 1000;

    @Override
    public String name() {
        return "archive";
    }

    @Override
    public String work() {
        return "archive, restore, archive again of a disk with " + LENGTH_MIB + " MiB of random data";
    }

    @Override
    public Result.Measured run(Bench bench) throws InterruptedException {
        Lab lab = bench.lab();
        lab.serve(Bench.DEFAULT_SLOTS);
        var first = new SampleBuilder();
        var restore = new SampleBuilder();
        var again = new SampleBuilder();
        var peer = new SampleBuilder();
        int rounds = Math.max(1, bench.plan().heavyRounds() / 3);
        try (var connection = lab.connect()) {
            for (int i = 0; i < rounds; i++) {
                Sandbox sandbox = Sandbox.create(connection, Sandbox.request(connection, ""));
                lab.output(sandbox.id(), "sh", "-c", "head -c " + LENGTH_MIB + "M /dev/urandom > /root/random; sync");
                lab.api().post(Query.of("sandboxes", sandbox.id(), "stop"), Map.of());
                first.addNanos(timed(lab, sandbox, "archive"));
                restore.addNanos(timed(lab, sandbox, "restore"));
                again.addNanos(timed(lab, sandbox, "archive"));
                sandbox.delete();
                peer.addNanos(encrypted(lab.pool()));
            }
        }
        return result(first.build(), restore.build(), again.build(), peer.build());
    }

    private static long timed(Lab lab, Sandbox sandbox, String command) throws InterruptedException {
        Query query = Query.of("sandboxes", sandbox.id(), command);
        return Alternation.afterIdle(() -> {
            long start = System.nanoTime();
            var unused = lab.api().post(query, Map.of());
            return System.nanoTime() - start;
        });
    }

    /** As much random data from one file to another through a cipher, synced. */
    private static long encrypted(Path pool) throws InterruptedException {
        String plain = pool + "/bench-plain";
        String sealed = pool + "/bench-sealed";
        run("head -c " + LENGTH_MIB + "M /dev/urandom > " + plain + " && sync " + plain);
        try {
            return Alternation.afterIdle(() -> {
                long start = System.nanoTime();
                run("openssl enc -aes-256-ctr -K " + "ab".repeat(32) + " -iv " + "cd".repeat(16) + " -in " + plain + " -out "
                        + sealed + " && sync " + sealed);
                return System.nanoTime() - start;
            });
        } finally {
            run("rm -f " + plain + " " + sealed);
        }
    }

    private static void run(String script) throws InterruptedException {
        try {
            int status = new ProcessBuilder("sh", "-c", script).inheritIO().start().waitFor();
            if (status != 0) {
                throw new OperatorException(script + " failed");
            }
        } catch (IOException e) {
            throw new UncheckedIOException("sh cannot be run", e);
        }
    }

    private Result.Measured result(Sample first, Sample restore, Sample again, Sample peer) {
        return new Result.Measured(this,
                List.of(
                        Series.millis("archive", first),
                        Series.millis("restore", restore),
                        Series.millis("archive again", again),
                        Series.millis("openssl enc", peer)),
                List.of(
                        Verdict.atLeast("rate of archive / openssl enc", peer.median() / first.median(), OF_PEER),
                        Verdict.atLeast("rate of restore / openssl enc", peer.median() / restore.median(), OF_PEER),
                        Verdict.atMost("archive again / archive", again.median() / first.median(), OF_FIRST)),
                List.of(
                        "the peer encrypts a file of as much random data into another with AES-256-CTR and syncs it; no hash, no chunks",
                        String.format(Locale.ROOT, "MiB/s at p50: archive %.0f, restore %.0f, again %.0f, openssl %.0f",
                                rate(first), rate(restore), rate(again), rate(peer))));
    }

    /** At the median, in MiB/s. */
    private static double rate(Sample millis) {
        return LENGTH_MIB * MILLIS_PER_SECOND / millis.median();
    }
}
