package dev.atoll.app.bench;

import dev.atoll.app.run.OperatorException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Many at once. The peer does as many one after the other, without idle time in between. */
final class BurstBenchmark implements Benchmark {
    private static final int COUNT = 100;
    private static final double RATIO = 0.7;

    /** One that succeeded; its connection stays open until it is deleted. */
    private record Done(HttpConnection connection, Sandbox sandbox, long nanos) {}

    @Override
    public String name() {
        return "burst";
    }

    @Override
    public String work() {
        return COUNT + " HTTP creates with their first 'true' at once; beside " + COUNT + " sequential crun run";
    }

    @Override
    public Result.Measured run(Bench bench) throws InterruptedException {
        bench.lab().serve(Bench.DEFAULT_SLOTS);
        var walls = new SampleBuilder();
        var each = new SampleBuilder();
        var peer = new SampleBuilder();
        int failed = 0;
        var notes = new ArrayList<String>();
        int rounds = bench.plan().heavyRounds();
        for (int i = 0; i < rounds; i++) {
            bench.lab().settle();
            var reasons = new ArrayList<String>();
            walls.addNanos(burst(bench.lab(), each, reasons));
            failed += reasons.size();
            reasons.stream().limit(1).forEach(notes::add);
            bench.lab().settle();
            peer.addNanos(bench.crun().runs(COUNT));
        }
        Sample wall = walls.build();
        Sample sequential = peer.build();
        return new Result.Measured(this,
                List.of(Series.millis("atoll, wall", wall), Series.millis("atoll, each", each.build()), Series.millis("crun, wall", sequential)),
                List.of(
                        Verdict.atMost("failed of " + rounds * COUNT, failed, 0),
                        Verdict.atMost("p50 of wall / crun", wall.median() / sequential.median(), RATIO)),
                notes);
    }

    private static long burst(Lab lab, SampleBuilder each, List<String> reasons) throws InterruptedException {
        var start = new CountDownLatch(1);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var all = new ArrayList<Future<Done>>();
            for (int i = 0; i < COUNT; i++) {
                HttpConnection connection = lab.connect();
                all.add(threads.submit(() -> {
                    start.await();
                    return one(connection);
                }));
            }
            long began = System.nanoTime();
            start.countDown();
            var done = new ArrayList<Done>();
            for (Future<Done> one : all) {
                try {
                    done.add(one.get());
                } catch (ExecutionException failure) {
                    reasons.add(String.valueOf(failure.getCause()));
                }
            }
            long wall = System.nanoTime() - began;
            for (Done one : done) {
                each.addNanos(one.nanos());
                one.sandbox().delete();
                one.connection().close();
            }
            return wall;
        }
    }

    private static Done one(HttpConnection connection) {
        try {
            long began = System.nanoTime();
            Sandbox sandbox = Sandbox.create(connection, Sandbox.request(connection, ""));
            sandbox.execTrue();
            return new Done(connection, sandbox, System.nanoTime() - began);
        } catch (OperatorException | UncheckedIOException failed) {
            connection.close();
            throw failed;
        }
    }
}
