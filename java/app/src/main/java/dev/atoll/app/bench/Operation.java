package dev.atoll.app.bench;

/** One thing to measure. */
@FunctionalInterface
interface Operation {
    /** Does it once; what is not part of it, such as cleaning up, comes after the clock was read. @return nanoseconds */
    long measure() throws InterruptedException;
}
