package dev.atoll.app.bench;

/** What rows measure with. */
record Bench(Plan plan, Lab lab, Crun crun) {
    /** Slots of the default configuration. */
    static final int DEFAULT_SLOTS = 16;
}
