package dev.atoll.app.bench;

import dev.atoll.app.client.ApiException;
import dev.atoll.app.client.UnreachableException;
import dev.atoll.app.run.Dist;
import dev.atoll.app.run.OperatorException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;

@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        description = "Measures what is promised, on a server of its own, beside crun and plain TCP in the same run.")
public final class BenchCommand implements Callable<Integer> {
    /** Those that leave the server as they found it come first. */
    private static final List<Benchmark> ROWS = List.of(
            new CreateBenchmark(Bench.DEFAULT_SLOTS),
            new ExecBenchmark(),
            new ModalBenchmark(),
            new BurstBenchmark(),
            new SnapshotBenchmark(),
            new TransferBenchmark(),
            new StdoutBenchmark(),
            new IdleBenchmark(),
            new TemplateBenchmark(),
            new CreateBenchmark(0),
            new GvisorCreateBenchmark(true),
            new GvisorCreateBenchmark(false),
            new GvisorExecBenchmark(),
            new HibernateBenchmark(),
            new ArchiveBenchmark(),
            new StartBenchmark());

    @Option(names = {"-n", "--rounds"}, paramLabel = "N", description = "How often each is measured, 1 or more; what takes a second a time, a tenth as often (default: ${DEFAULT-VALUE}).", defaultValue = "100")
    private int rounds;

    @Option(names = "--warm-up", paramLabel = "N", description = "Operations after each start of the server that do not count (default: ${DEFAULT-VALUE}).", defaultValue = "300")
    private int warmUp;

    @Option(names = "--row", paramLabel = "NAME", split = ",", description = "Only these: create, exec, modal, burst, snapshot, transfer, stdout, idle, create-template, create-cold, gvisor-create, gvisor-create-cold, gvisor-exec, hibernate, archive, start.")
    private List<String> only = List.of();

    @Option(names = "--set", paramLabel = "SECTION.KEY=VALUE", description = "Configuration of the server that is measured, for example another pool; may be given several times.")
    private List<String> settings = List.of();

    @Option(names = "--json", description = "One JSON object with every value at the end.")
    private boolean json;

    @Override
    public Integer call() throws InterruptedException {
        List<Benchmark> chosen = chosen();
        if (rounds < 1 || warmUp < 0) {
            throw new OperatorException("--rounds is " + rounds + " and --warm-up " + warmUp + "; allowed: at least 1, and at least 0");
        }
        Dist dist = Dist.current();
        var plan = new Plan(rounds, warmUp);
        Report report = json ? new Report.Json(System.out) : new Report.Table(System.out);
        boolean complete = true;
        try (var lab = new Lab(dist, settings, warmUp, BenchCommand::progress)) {
            closeOnInterrupt(lab);
            lab.start(Bench.DEFAULT_SLOTS);
            report.begin(Machine.of(lab.api()), plan);
            try (var crun = Crun.on(image(dist.templates()))) {
                closeOnInterrupt(crun);
                var bench = new Bench(plan, lab, crun, () -> Crun.runsc(image(dist.templates()), dist.runsc()));
                for (Benchmark row : chosen) {
                    progress("measuring " + row.name());
                    Result result = measured(row, bench);
                    report.add(result);
                    complete &= result instanceof Result.Measured;
                }
            }
        }
        report.end();
        return complete ? 0 : 1;
    }

    private List<Benchmark> chosen() {
        List<String> known = ROWS.stream().map(Benchmark::name).toList();
        only.stream().filter(name -> !known.contains(name)).findFirst().ifPresent(name -> {
            throw new OperatorException("--row " + name + " is unknown; allowed: " + known.stream().collect(Collectors.joining(", ")));
        });
        return only.isEmpty() ? ROWS : ROWS.stream().filter(row -> only.contains(row.name())).toList();
    }

    /** A row that cannot be measured does not keep the others from it. */
    private static Result measured(Benchmark row, Bench bench) throws InterruptedException {
        try {
            Result result = row.run(bench);
            bench.lab().deleteSandboxes();
            return result;
        } catch (OperatorException | ApiException | UnreachableException | UncheckedIOException failed) {
            Throwable cause = failed instanceof UncheckedIOException ? failed.getCause() : failed;
            // Whatever state it left, the next row gets a new server.
            bench.lab().end();
            return new Result.Failed(row, failed.getMessage() + (cause == failed ? "" : ": " + cause));
        }
    }

    private static void closeOnInterrupt(AutoCloseable closeable) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                closeable.close();
            } catch (Exception failed) {
                progress(String.valueOf(failed.getMessage()));
            }
        }, "close"));
    }

    /** On standard error: standard output is the report. */
    private static void progress(String what) {
        System.err.println("bench: " + what);
    }

    private static Path image(Path templates) {
        try {
            String record = Files.readString(templates.resolve("base.json"));
            return templates.resolve(new JsonMapper().readTree(record).path("file").asString());
        } catch (IOException missing) {
            throw new OperatorException("no base template at " + templates);
        }
    }
}
