package dev.atoll.app.bench;

import java.util.List;

/** From nothing to the end of the first command, in a sandbox of the class gvisor. */
final class GvisorCreateBenchmark implements Benchmark {
    private static final double WARM_RATIO = 0.15;
    private static final double WARM_P50_MILLIS = 15;
    private static final double COLD_RATIO = 1.4;

    private final boolean warm;

    /** @param warm of the default shape, else of another one, which starts with its claim */
    GvisorCreateBenchmark(boolean warm) {
        this.warm = warm;
    }

    @Override
    public String name() {
        return warm ? "gvisor-create" : "gvisor-create-cold";
    }

    @Override
    public String work() {
        return "HTTP create to the first 'true' done, class gvisor, " + (warm ? "warm" : "started at the claim");
    }

    @Override
    public Result.Measured run(Bench bench) throws InterruptedException {
        bench.lab().serve(Bench.DEFAULT_SLOTS);
        String shape = warm ? "" : ",\"resources\":{\"diskBytes\":" + (1L << 30) + "}";
        try (var connection = bench.lab().connect();
                var runsc = bench.runsc()) {
            byte[] create = Sandbox.request(connection, "{\"isolation\":\"gvisor\"" + shape + "}");
            // The first one of a template tells that it is in use.
            Sandbox.timeToTrue(connection, create);
            bench.lab().settle();
            var timings = Alternation.run(
                    bench.plan().rounds(), () -> Sandbox.timeToTrue(connection, create), runsc::run);
            return new Result.Measured(this,
                    List.of(Series.millis("atoll", timings.ours()), Series.millis("runsc run true", timings.peer())),
                    warm
                            ? List.of(
                                    Verdict.atMost("p50, ms", timings.ours().median(), WARM_P50_MILLIS),
                                    Verdict.atMost("p50 / runsc run", timings.ratio(), WARM_RATIO))
                            : List.of(Verdict.atMost("p50 / runsc run", timings.ratio(), COLD_RATIO)),
                    List.of());
        }
    }
}
