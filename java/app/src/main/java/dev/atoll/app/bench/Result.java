package dev.atoll.app.bench;

import java.util.List;

/** What came of a row. */
sealed interface Result {
    Benchmark row();

    /** @param notes what a reader must know to judge the numbers */
    record Measured(Benchmark row, List<Series> series, List<Verdict> verdicts, List<String> notes) implements Result {}

    /** It could not be measured to its end. */
    record Failed(Benchmark row, String reason) implements Result {}
}
