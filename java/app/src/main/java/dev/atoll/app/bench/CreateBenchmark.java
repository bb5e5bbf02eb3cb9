package dev.atoll.app.bench;

import java.util.ArrayList;
import java.util.List;

/** From nothing to the end of the first command. */
final class CreateBenchmark implements Benchmark {
    private static final double RATIO = 0.7;
    private static final double P50_MILLIS = 5;
    private static final double P95_MILLIS = 12;
    private static final double COLD_P50_MILLIS = 20;

    private final int warmSlots;

    /** @param warmSlots 0: every create prepares its own */
    CreateBenchmark(int warmSlots) {
        this.warmSlots = warmSlots;
    }

    @Override
    public String name() {
        return warmSlots == 0 ? "create-cold" : "create";
    }

    @Override
    public String work() {
        return "HTTP create to the first 'true' done, " + warmSlots + " warm slots";
    }

    @Override
    public Result.Measured run(Bench bench) throws InterruptedException {
        bench.lab().serve(warmSlots);
        try (var connection = bench.lab().connect()) {
            byte[] create = Sandbox.request(connection, "");
            var timings = Alternation.run(
                    bench.plan().rounds(), () -> Sandbox.timeToTrue(connection, create), bench.crun()::run);
            return new Result.Measured(this,
                    List.of(Series.millis("atoll", timings.ours()), Series.millis("crun run true", timings.peer())),
                    verdicts(timings),
                    List.of());
        }
    }

    private List<Verdict> verdicts(Alternation timings) {
        var verdicts = new ArrayList<Verdict>();
        if (warmSlots == 0) {
            verdicts.add(Verdict.atMost("p50, ms", timings.ours().median(), COLD_P50_MILLIS));
        } else {
            verdicts.add(Verdict.atMost("p50, ms", timings.ours().median(), P50_MILLIS));
            verdicts.add(Verdict.atMost("p50 / crun run", timings.ratio(), RATIO));
            verdicts.add(Verdict.atMost("p95, ms", timings.ours().quantile(0.95), P95_MILLIS));
        }
        return verdicts;
    }
}
