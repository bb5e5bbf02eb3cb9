package dev.atoll.app.bench;

import java.util.List;

/** A command in a sandbox that lives. */
final class ExecBenchmark implements Benchmark {
    private static final double P50_MILLIS = 2.5;
    private static final double RATIO = 0.4;

    @Override
    public String name() {
        return "exec";
    }

    @Override
    public String work() {
        return "exec 'true' in a live sandbox over HTTP";
    }

    @Override
    public Result.Measured run(Bench bench) throws InterruptedException {
        bench.lab().serve(Bench.DEFAULT_SLOTS);
        try (var connection = bench.lab().connect()) {
            Sandbox live = Sandbox.create(connection, Sandbox.request(connection, ""));
            var timings = Alternation.run(bench.plan().rounds(), live::timeTrue, bench.crun()::exec);
            live.delete();
            return new Result.Measured(this,
                    List.of(Series.millis("atoll", timings.ours()), Series.millis("crun exec true", timings.peer())),
                    List.of(
                            Verdict.atMost("p50, ms", timings.ours().median(), P50_MILLIS),
                            Verdict.atMost("p50 / crun exec", timings.ratio(), RATIO)),
                    List.of());
        }
    }
}
