package dev.atoll.app.bench;

/**
 * Two operations in turn, so that both meet the same machine, with idle time before each: a loop
 * without it hides what a quiet machine costs, such as grace periods of the kernel.
 */
record Alternation(Sample ours, Sample peer) {
    static final long IDLE_MILLIS = 30;
    /** Rounds that do not count: the peer's caches, and ours, become warm. */
    private static final int UNCOUNTED = 5;

    /** @param rounds how often each is measured */
    static Alternation run(int rounds, Operation ours, Operation peer) throws InterruptedException {
        for (int i = 0; i < UNCOUNTED; i++) {
            afterIdle(ours);
            afterIdle(peer);
        }
        var mine = new long[rounds];
        var theirs = new long[rounds];
        for (int i = 0; i < rounds; i++) {
            mine[i] = afterIdle(ours);
            theirs[i] = afterIdle(peer);
        }
        return new Alternation(Sample.ofNanos(mine), Sample.ofNanos(theirs));
    }

    static long afterIdle(Operation operation) throws InterruptedException {
        Thread.sleep(IDLE_MILLIS);
        return operation.measure();
    }

    /** Of the medians. */
    double ratio() {
        return ours.median() / peer.median();
    }
}
