package dev.atoll.app.bench;

import dev.atoll.app.run.OperatorException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Many that live at the same time and do nothing: what each costs, and whether each still answers. */
final class IdleBenchmark implements Benchmark {
    private static final int COUNT = 500;
    private static final double MIB_EACH = 2.5;
    private static final double KIB_PER_MIB = 1024;
    /** The server's caches and the kernel's grace periods end meanwhile. */
    private static final long REST_MILLIS = 5000;
    private static final String SMALLEST =
            "{\"resources\":{\"cpuMillis\":100,\"memoryBytes\":" + (64 << 20) + ",\"diskBytes\":" + (256 << 20) + "}}";

    @Override
    public String name() {
        return "idle";
    }

    @Override
    public String work() {
        return COUNT + " idle sandboxes of the smallest size live, then each probed again by 'true'";
    }

    @Override
    public Result.Measured run(Bench bench) throws InterruptedException {
        Lab lab = bench.lab();
        lab.serve(Bench.DEFAULT_SLOTS);
        var created = new SampleBuilder();
        var probed = new SampleBuilder();
        var live = new ArrayList<Sandbox>();
        try (var connection = lab.connect()) {
            byte[] create = Sandbox.request(connection, SMALLEST);
            // The first disk of a size formats one, which is kept.
            Sandbox.timeToTrue(connection, create);
            lab.settle();
            Thread.sleep(REST_MILLIS);
            long usedBefore = Memory.used();
            long availableBefore = Memory.available();
            for (int i = 0; i < COUNT; i++) {
                long start = System.nanoTime();
                Sandbox sandbox = Sandbox.create(connection, create);
                sandbox.execTrue();
                created.addNanos(System.nanoTime() - start);
                live.add(sandbox);
            }
            Thread.sleep(REST_MILLIS);
            double each = (Memory.used() - usedBefore) / KIB_PER_MIB / COUNT;
            double unavailable = (availableBefore - Memory.available()) / KIB_PER_MIB / COUNT;
            int silent = probe(live, probed);
            return new Result.Measured(this,
                    List.of(
                            Series.millis("create and first 'true'", created.build()),
                            Series.millis("probe", probed.build()),
                            new Series("memory of each", "MiB", new Sample(each))),
                    List.of(
                            Verdict.atMost("silent of " + COUNT, silent, 0),
                            Verdict.atMost("MiB each besides page cache", each, MIB_EACH)),
                    List.of(
                            "memory: growth of MemTotal - MemFree - Buffers - (Cached - Shmem) - SReclaimable of the whole machine, the server's own growth included",
                            String.format(Locale.ROOT, "MemAvailable shrank by %.2f MiB each", unavailable)));
        }
    }

    /** @return how many did not answer */
    private static int probe(List<Sandbox> live, SampleBuilder probed) {
        int silent = 0;
        for (Sandbox sandbox : live) {
            long start = System.nanoTime();
            try {
                sandbox.execTrue();
                probed.addNanos(System.nanoTime() - start);
            } catch (OperatorException refused) {
                silent++;
            }
        }
        return silent;
    }
}
