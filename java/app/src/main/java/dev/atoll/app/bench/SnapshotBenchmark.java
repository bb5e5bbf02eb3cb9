package dev.atoll.app.bench;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.Query;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * Snapshots and forks of a disk that a writer inside has just made dirty, and of a large one. There is
 * no peer: the bounds are absolute.
 */
final class SnapshotBenchmark implements Benchmark {
    private static final double BLOCKED_MILLIS = 10;
    private static final double FORK_MILLIS = 20;
    private static final double MILLIS_PER_SECOND = 1000;
    private static final long LARGE_DISK = 8L << 30;
    /** Much longer than a snapshot takes. */
    private static final double WRITES_FOR_SECONDS = 0.5;

    @Override
    public String name() {
        return "snapshot";
    }

    @Override
    public String work() {
        return "snapshot with 50 MB dirty; fork of it, and of a disk with 5 GB";
    }

    @Override
    public Result.Measured run(Bench bench) throws InterruptedException {
        Lab lab = bench.lab();
        lab.serve(Bench.DEFAULT_SLOTS);
        var blocked = new SampleBuilder();
        var answered = new SampleBuilder();
        var writes = new SampleBuilder();
        var undisturbed = new SampleBuilder();
        var forked = new SampleBuilder();
        var dirtyForked = new SampleBuilder();
        ApiClient api = lab.api();
        String dirty = create(api, Map.of());
        try (var connection = lab.connect()) {
            byte[] fork = forkRequest(connection, dirty);
            for (int i = 0; i < bench.plan().rounds(); i++) {
                try (var writer = DirtyWriter.start(api, dirty, WRITES_FOR_SECONDS)) {
                    Thread.sleep(Alternation.IDLE_MILLIS);
                    long start = System.nanoTime();
                    JsonNode snapshot = api.post(Query.of("sandboxes", dirty, "snapshots"), Map.of());
                    answered.addNanos(System.nanoTime() - start);
                    blocked.add(snapshot.path("blockedSeconds").asDouble() * MILLIS_PER_SECOND);
                    writes.add(writer.longestWrite());
                    forked.addNanos(Alternation.afterIdle(() -> fork(connection, fork)));
                    api.delete(Query.of("snapshots", snapshot.path("id").asString()));
                }
                try (var writer = DirtyWriter.start(api, dirty, WRITES_FOR_SECONDS)) {
                    undisturbed.add(writer.longestWrite());
                    dirtyForked.addNanos(Alternation.afterIdle(() -> fork(connection, fork)));
                }
            }
        }
        api.delete(Query.of("sandboxes", dirty));
        Sample large = forksOfLarge(bench, lab, api);
        Sample block = blocked.build();
        Sample afterSnapshot = forked.build();
        return new Result.Measured(this,
                List.of(
                        Series.millis("blocked by a snapshot", block),
                        Series.millis("fork after it", afterSnapshot),
                        Series.millis("fork of 5 GB", large),
                        Series.millis("longest write inside", writes.build()),
                        Series.millis("longest write, no snapshot", undisturbed.build()),
                        Series.millis("snapshot, to the answer", answered.build()),
                        Series.millis("fork with 50 MB dirty", dirtyForked.build())),
                List.of(
                        Verdict.atMost("blocked, p50, ms", block.median(), BLOCKED_MILLIS),
                        Verdict.atMost("fork, p50, ms", afterSnapshot.median(), FORK_MILLIS),
                        Verdict.atMost("fork of 5 GB, p50, ms", large.median(), FORK_MILLIS)),
                List.of(
                        "blocked: as the API answers (blockedSeconds); forks: to the API's answer, when the fork runs",
                        "longest write: of one process inside that writes 4 KiB every 0.5 ms for " + WRITES_FOR_SECONDS + " s, each round",
                        "the last two lines write 50 MB to the disk of the machine before they answer; nothing is promised of them"));
    }

    private static Sample forksOfLarge(Bench bench, Lab lab, ApiClient api) throws InterruptedException {
        var forked = new SampleBuilder();
        String large = create(api, Map.of("resources", Map.of("diskBytes", LARGE_DISK)));
        lab.output(large, "sh", "-c", "head -c 5000000000 /dev/urandom >/root/five && sync");
        try (var connection = lab.connect()) {
            byte[] fork = forkRequest(connection, large);
            for (int i = 0; i < bench.plan().rounds(); i++) {
                forked.addNanos(Alternation.afterIdle(() -> fork(connection, fork)));
            }
        }
        api.delete(Query.of("sandboxes", large));
        return forked.build();
    }

    private static String create(ApiClient api, Map<String, Object> request) {
        return api.post(Query.of("sandboxes"), request).path("id").asString();
    }

    private static byte[] forkRequest(HttpConnection connection, String of) {
        return connection.request("POST", Query.of("sandboxes", of, "fork"), "");
    }

    private static long fork(HttpConnection connection, byte[] request) {
        long start = System.nanoTime();
        String forks = connection.exchange(request);
        long took = System.nanoTime() - start;
        connection.exchange(connection.request("DELETE", Query.of("sandboxes", Sandbox.id(forks)), ""));
        return took;
    }
}
