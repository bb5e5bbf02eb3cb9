package dev.atoll.app.bench;

import java.util.List;

/** From a machine where nothing of the instance runs to its first sandbox; the files are in the page cache. */
final class StartBenchmark implements Benchmark {
    private static final double MILLIS = 2000;

    @Override
    public String name() {
        return "start";
    }

    @Override
    public String work() {
        return "start of the server, warm, to the first sandbox";
    }

    @Override
    public Result.Measured run(Bench bench) throws InterruptedException {
        Lab lab = bench.lab();
        var prepared = new SampleBuilder();
        var started = new SampleBuilder();
        var first = new SampleBuilder();
        for (int i = -1; i < bench.plan().heavyRounds(); i++) {
            lab.end();
            Thread.sleep(Alternation.IDLE_MILLIS);
            long begin = System.nanoTime();
            lab.prepare(Bench.DEFAULT_SLOTS);
            long ready = System.nanoTime();
            lab.launch(Bench.DEFAULT_SLOTS);
            try (var connection = lab.connect()) {
                long serving = System.nanoTime();
                Sandbox sandbox = Sandbox.create(connection, Sandbox.request(connection, ""));
                long created = System.nanoTime();
                sandbox.delete();
                if (i >= 0) {
                    prepared.addNanos(ready - begin);
                    started.addNanos(created - ready);
                    first.addNanos(created - serving);
                }
            }
        }
        lab.end();
        Sample start = started.build();
        return new Result.Measured(this,
                List.of(
                        Series.millis("start to the first sandbox", start),
                        Series.millis("of it the create", first.build()),
                        Series.millis("checks of 'up' before", prepared.build())),
                List.of(Verdict.atMost("start to the first sandbox, p50, ms", start.median(), MILLIS)),
                List.of("the start is that of supervisor, warden and engine, as 'up --detach' starts them"));
    }
}
