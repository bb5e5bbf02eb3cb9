package dev.atoll.app.bench;

import dev.atoll.app.client.ApiClient;
import dev.atoll.app.client.Server;
import dev.atoll.app.run.Dist;
import dev.atoll.app.run.OperatorException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;

@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        description = "Measures the running instance beside crun, in turn, with 30 ms of idle time between operations.")
public final class BenchCommand implements Callable<Integer> {
    @Option(names = "--instance", paramLabel = "NAME", description = "Instance of this machine (default: ${DEFAULT-VALUE}).", defaultValue = "${env:ATOLL_INSTANCE:-default}")
    private String instance = "default";

    @Option(names = {"-n", "--rounds"}, paramLabel = "N", description = "How often each is measured (default: ${DEFAULT-VALUE}).", defaultValue = "100")
    private int rounds;

    @Override
    public Integer call() throws InterruptedException {
        var client = new ApiClient(Server.of(Server.local(instance)));
        System.out.println(machine() + "; " + rounds + " rounds each; milliseconds");
        System.out.printf(Locale.ROOT, "%-44s %-12s %8s %8s %8s %8s%n", "work", "", "p50", "p95", "p99", "max");
        try (var crun = Crun.on(image(Dist.current().templates()));
                var live = Sandbox.create(client)) {
            for (Row row : List.of(
                    new Row("HTTP create, first 'true' done", "p50 <= 5, p95 <= 12, <= 0.7 x crun run",
                            () -> createAndRun(client), "crun run", crun::run),
                    new Row("exec 'true' in a live sandbox over HTTP", "p50 <= 2.5, <= 0.4 x crun exec",
                            () -> exec(live), "crun exec", crun::exec))) {
                print(row.run(rounds));
            }
        }
        return 0;
    }

    private static long createAndRun(ApiClient client) {
        long start = System.nanoTime();
        Sandbox sandbox = Sandbox.create(client);
        sandbox.execTrue();
        long took = System.nanoTime() - start;
        sandbox.close();
        return took;
    }

    private static long exec(Sandbox live) {
        long start = System.nanoTime();
        live.execTrue();
        return System.nanoTime() - start;
    }

    private static void print(Row.Outcome outcome) {
        line(outcome.row().work(), "atoll", outcome.ours());
        line("", outcome.row().peerName(), outcome.peer());
        System.out.printf(Locale.ROOT, "%-44s ratio of p50: %.2f   (promised: %s)%n", "", outcome.ratio(), outcome.row().promise());
    }

    private static void line(String work, String who, Sample sample) {
        System.out.printf(Locale.ROOT, "%-44s %-12s %8.2f %8.2f %8.2f %8.2f%n",
                work, who, sample.millis(0.5), sample.millis(0.95), sample.millis(0.99), sample.maxMillis());
    }

    private static Path image(Path templates) {
        try {
            String record = Files.readString(templates.resolve("base.json"));
            return templates.resolve(new JsonMapper().readTree(record).path("file").asString());
        } catch (IOException missing) {
            throw new OperatorException("no base template at " + templates + ": './atoll up' makes it");
        }
    }

    private static String machine() {
        try {
            return Runtime.getRuntime().availableProcessors() + " cores, Linux "
                    + Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
