package dev.atoll.app.bench;

import dev.atoll.app.check.PythonEnvironment;
import dev.atoll.app.client.Server;
import dev.atoll.app.run.Dist;
import dev.atoll.app.run.OperatorException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** A sandbox and its first command as a program sees them that uses Modal's SDK. */
final class ModalBenchmark implements Benchmark {
    private static final double P50_MILLIS = 80;
    private static final int WARM_UP = 20;

    @Override
    public String name() {
        return "modal";
    }

    @Override
    public String work() {
        return "Modal Python SDK 1.6.4: Sandbox.create → exec('true').wait()";
    }

    @Override
    public Result.Measured run(Bench bench) throws InterruptedException {
        bench.lab().serve(Bench.DEFAULT_SLOTS);
        Dist dist = Dist.current();
        Path python = PythonEnvironment.of(dist, "requirements-modal.txt");
        Sample sample = measure(
                List.of(
                        python.toString(), dist.home().resolve("tests/bench/modal_create.py").toString(),
                        Integer.toString(bench.plan().rounds()), Integer.toString(WARM_UP),
                        Long.toString(Alternation.IDLE_MILLIS)),
                bench.lab().local());
        return new Result.Measured(this,
                List.of(Series.millis("atoll", sample)),
                List.of(Verdict.atMost("p50, ms", sample.median(), P50_MILLIS)),
                List.of("the class is gvisor where the node has it; the time of the client's own code counts"));
    }

    private static Sample measure(List<String> command, Server.Local server) throws InterruptedException {
        var builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().putAll(Map.of(
                "MODAL_SERVER_URL", server.endpoint().modalUrl(), "MODAL_TOKEN_ID", "ak-bench",
                "MODAL_TOKEN_SECRET", server.key()));
        var values = new SampleBuilder();
        try {
            Process process = builder.start();
            try (var lines = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    values.addNanos(Long.parseLong(line));
                }
            }
            if (process.waitFor() != 0) {
                throw new OperatorException("Modal's SDK ended with " + process.exitValue());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(command.getFirst() + " cannot be run", e);
        }
        return values.build();
    }
}
