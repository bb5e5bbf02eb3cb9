package dev.atoll.app.bench;

/** A row of the table of promises. */
interface Benchmark {
    /** By which it is chosen. */
    String name();

    /** For people: what is done. */
    String work();

    /** @throws RuntimeException when it cannot be measured, with the reason; sandboxes may be left, which the caller deletes */
    Result.Measured run(Bench bench) throws InterruptedException;
}
