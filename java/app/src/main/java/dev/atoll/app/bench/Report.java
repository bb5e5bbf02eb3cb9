package dev.atoll.app.bench;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;

/** Shows results: the table as they come, or one JSON object with every measured value at the end. */
sealed interface Report {
    void begin(Machine machine, Plan plan);

    void add(Result result);

    void end();

    /** For people. */
    record Table(PrintStream out) implements Report {
        private static final String FORMAT = "  %-34s %5s %-6s %9s %9s %9s %9s%n";

        @Override
        public void begin(Machine machine, Plan plan) {
            out.println(machine);
            out.println("n = " + plan.rounds() + ", of heavy rows " + plan.heavyRounds() + "; " + Alternation.IDLE_MILLIS
                    + " ms idle before each operation; " + plan.warmUp() + " operations of warm-up after each start of the server");
            out.printf(Locale.ROOT, FORMAT, "", "n", "", "p50", "p95", "p99", "max");
        }

        @Override
        public void add(Result result) {
            out.println(result.row().name() + ": " + result.row().work());
            switch (result) {
                case Result.Failed failed -> out.println("  FAILED: " + failed.reason());
                case Result.Measured measured -> {
                    measured.series().forEach(this::line);
                    measured.verdicts().forEach(this::verdict);
                    measured.notes().forEach(note -> out.println("  (" + note + ")"));
                }
            }
        }

        private void line(Series series) {
            Sample sample = series.sample();
            out.printf(Locale.ROOT, FORMAT, series.who(), sample.size(), series.unit(),
                    number(sample.median()), number(sample.quantile(0.95)), number(sample.quantile(0.99)), number(sample.max()));
        }

        private void verdict(Verdict verdict) {
            out.printf(Locale.ROOT, "  %-41s %9s   promised %-8s %s%n",
                    verdict.what(), number(verdict.measured()), verdict.promise(), verdict.held() ? "held" : "NOT HELD");
        }

        private static String number(double value) {
            return String.format(Locale.ROOT, value >= 1000 ? "%.0f" : "%.2f", value);
        }

        @Override
        public void end() {
            out.flush();
        }
    }

    /** For programs. */
    final class Json implements Report {
        private final PrintStream out;
        private final Map<String, Object> root = new LinkedHashMap<>();
        private final List<Map<String, Object>> rows = new ArrayList<>();

        Json(PrintStream out) {
            this.out = out;
        }

        @Override
        public void begin(Machine machine, Plan plan) {
            root.put("machine", machine);
            root.put("plan", plan);
            root.put("idleMillis", Alternation.IDLE_MILLIS);
            root.put("rows", rows);
        }

        @Override
        public void add(Result result) {
            var row = new LinkedHashMap<String, Object>();
            row.put("name", result.row().name());
            row.put("work", result.row().work());
            switch (result) {
                case Result.Failed failed -> row.put("failed", failed.reason());
                case Result.Measured measured -> {
                    row.put("series", measured.series().stream().map(Json::series).toList());
                    row.put("verdicts", measured.verdicts());
                    row.put("notes", measured.notes());
                }
            }
            rows.add(row);
        }

        private static Map<String, Object> series(Series series) {
            Sample sample = series.sample();
            var json = new LinkedHashMap<String, Object>();
            json.put("who", series.who());
            json.put("unit", series.unit());
            json.put("n", sample.size());
            json.put("p50", sample.median());
            json.put("p95", sample.quantile(0.95));
            json.put("p99", sample.quantile(0.99));
            json.put("max", sample.max());
            json.put("values", sample.values());
            return json;
        }

        @Override
        public void end() {
            out.println(new JsonMapper().writerWithDefaultPrettyPrinter().writeValueAsString(root));
        }
    }
}
