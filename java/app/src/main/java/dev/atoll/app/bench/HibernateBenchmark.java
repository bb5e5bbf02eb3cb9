package dev.atoll.app.bench;

import dev.atoll.app.client.Query;
import java.util.List;
import java.util.Map;

/** Memory of a sandbox of the class gvisor to the disk and back, and forks that go on. */
final class HibernateBenchmark implements Benchmark {
    private static final double HIBERNATE_MILLIS = 200;
    private static final double RESUME_MILLIS = 260;
    private static final double FORKS_MILLIS = 2000;
    private static final int FORKS = 10;
    /** Holds 100 MB that no page of is like another. */
    private static final String HOLD =
            "python3 -c 'import os,time; b=os.urandom(100_000_000); open(\"/tmp/held\",\"w\").close(); time.sleep(1e6)' "
                    + ">/dev/null 2>&1 & while ! test -e /tmp/held; do sleep 0.05; done";

    @Override
    public String name() {
        return "hibernate";
    }

    @Override
    public String work() {
        return "hibernate, resume to the first 'true' done, " + FORKS + " forks with memory at once; 100 MB of state";
    }

    @Override
    public Result.Measured run(Bench bench) throws InterruptedException {
        bench.lab().serve(Bench.DEFAULT_SLOTS);
        int rounds = Math.max(1, bench.plan().rounds() / 10);
        var down = new SampleBuilder();
        var up = new SampleBuilder();
        var forks = new SampleBuilder();
        try (var connection = bench.lab().connect()) {
            Sandbox live = Sandbox.create(connection, Sandbox.request(connection, "{\"isolation\":\"gvisor\"}"));
            bench.lab().output(live.id(), "sh", "-c", HOLD);
            byte[] hibernate = connection.request("POST", Query.of("sandboxes", live.id(), "hibernate"), "{}");
            byte[] resume = connection.request("POST", Query.of("sandboxes", live.id(), "resume"), "");
            for (int i = 0; i < rounds; i++) {
                Thread.sleep(Alternation.IDLE_MILLIS);
                long start = System.nanoTime();
                String unused = connection.exchange(hibernate);
                down.addNanos(System.nanoTime() - start);
                Thread.sleep(Alternation.IDLE_MILLIS);
                start = System.nanoTime();
                unused = connection.exchange(resume);
                live.execTrue();
                up.addNanos(System.nanoTime() - start);
            }
            for (int i = 0; i < Math.max(1, rounds / 3); i++) {
                long start = System.nanoTime();
                var made = bench.lab().api()
                        .post(Query.of("sandboxes", live.id(), "fork"), Map.of("count", FORKS, "memory", true))
                        .path("sandboxes");
                forks.addNanos(System.nanoTime() - start);
                made.forEach(fork -> bench.lab().api().delete(Query.of("sandboxes", fork.path("id").asString())));
            }
            live.delete();
        }
        var hibernated = down.build();
        var resumed = up.build();
        var forked = forks.build();
        return new Result.Measured(this,
                List.of(Series.millis("hibernate", hibernated), Series.millis("resume", resumed), Series.millis("forks", forked)),
                List.of(
                        Verdict.atMost("hibernate p50, ms", hibernated.median(), HIBERNATE_MILLIS),
                        Verdict.atMost("resume p50, ms", resumed.median(), RESUME_MILLIS),
                        Verdict.atMost("forks p50, ms", forked.median(), FORKS_MILLIS)),
                List.of("the check of the saved state is part of the resume"));
    }
}
