package dev.atoll.app.bench;

import java.util.function.Supplier;

/** What rows measure with. @param gvisor begins the peer of the class gvisor, which only its rows need */
record Bench(Plan plan, Lab lab, Crun crun, Supplier<Crun> gvisor) {
    /** Slots of the default configuration. */
    static final int DEFAULT_SLOTS = 16;

    /** To be closed. */
    Crun runsc() {
        return gvisor.get();
    }
}
