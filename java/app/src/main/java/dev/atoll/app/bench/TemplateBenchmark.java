package dev.atoll.app.bench;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.Query;
import java.util.List;
import java.util.Map;

/**
 * The first sandbox of a template. Every round makes one of its own from the same snapshot, so that
 * none was ever mounted. The server is ended afterwards, with all that it mounted.
 */
final class TemplateBenchmark implements Benchmark {
    private static final double P50_MILLIS = 15;

    @Override
    public String name() {
        return "create-template";
    }

    @Override
    public String work() {
        return "HTTP create from a template not mounted before to the first 'true' done";
    }

    @Override
    public Result.Measured run(Bench bench) throws InterruptedException {
        Lab lab = bench.lab();
        lab.serve(Bench.DEFAULT_SLOTS);
        ApiClient api = lab.api();
        String origin = api.post(Query.of("sandboxes"), Map.of()).path("id").asString();
        lab.output(origin, "sh", "-c", "echo of-the-template >/root/marker");
        String snapshot = api.post(Query.of("sandboxes", origin, "snapshots"), Map.of()).path("id").asString();
        api.delete(Query.of("sandboxes", origin));

        try (var connection = lab.connect()) {
            var names = new Names(api, snapshot);
            var timings = Alternation.run(
                    bench.plan().rounds(),
                    () -> {
                        byte[] create = Sandbox.request(connection, "{\"template\":\"" + names.makeTemplate() + "\"}");
                        Thread.sleep(Alternation.IDLE_MILLIS);
                        return Sandbox.timeToTrue(connection, create);
                    },
                    bench.crun()::run);
            lab.end();
            return new Result.Measured(this,
                    List.of(Series.millis("atoll", timings.ours()), Series.millis("crun run true", timings.peer())),
                    List.of(Verdict.atMost("p50, ms", timings.ours().median(), P50_MILLIS)),
                    List.of("each round: a template of two layers, the upper one made just before and never mounted by a sandbox"));
        }
    }

    /** Makes templates of the same content. */
    private static final class Names {
        private final ApiClient api;
        private final String snapshot;
        private int made;

        Names(ApiClient api, String snapshot) {
            this.api = api;
            this.snapshot = snapshot;
        }

        String makeTemplate() {
            String name = "bench-" + made++;
            api.post(Query.of("templates"), Map.of("snapshot", snapshot, "name", name));
            return name;
        }
    }
}
