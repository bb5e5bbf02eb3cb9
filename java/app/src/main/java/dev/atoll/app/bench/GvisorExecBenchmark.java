package dev.atoll.app.bench;

import java.util.List;

/** A command in a sandbox of the class gvisor that lives. */
final class GvisorExecBenchmark implements Benchmark {
    private static final double RATIO = 0.6;

    @Override
    public String name() {
        return "gvisor-exec";
    }

    @Override
    public String work() {
        return "exec 'true' in a live sandbox of the class gvisor over HTTP";
    }

    @Override
    public Result.Measured run(Bench bench) throws InterruptedException {
        bench.lab().serve(Bench.DEFAULT_SLOTS);
        try (var connection = bench.lab().connect();
                var runsc = bench.runsc()) {
            Sandbox live = Sandbox.create(connection, Sandbox.request(connection, "{\"isolation\":\"gvisor\"}"));
            var timings = Alternation.run(bench.plan().rounds(), live::timeTrue, runsc::exec);
            live.delete();
            return new Result.Measured(this,
                    List.of(Series.millis("atoll", timings.ours()), Series.millis("runsc exec true", timings.peer())),
                    List.of(Verdict.atMost("p50 / runsc exec", timings.ratio(), RATIO)),
                    List.of());
        }
    }
}
