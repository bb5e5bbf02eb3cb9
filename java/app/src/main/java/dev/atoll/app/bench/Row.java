package dev.atoll.app.bench;

/**
 * A line of the table.
 *
 * @param work what is done
 * @param promise what SPECIFICATION.md says of it
 */
record Row(String work, String promise, Operation ours, String peerName, Operation peer) {
    private static final long IDLE_MILLIS = 30;
    private static final int WARM_UP = 20;

    /** @param ours of Atoll; peer of the other */
    record Outcome(Row row, Sample ours, Sample peer) {
        double ratio() {
            return ours.millis(0.5) / peer.millis(0.5);
        }
    }

    /** @param rounds how often each is measured */
    Outcome run(int rounds) throws InterruptedException {
        var mine = new long[rounds];
        var theirs = new long[rounds];
        for (int i = -WARM_UP; i < rounds; i++) {
            Thread.sleep(IDLE_MILLIS);
            long our = ours.measure();
            Thread.sleep(IDLE_MILLIS);
            long other = peer.measure();
            if (i >= 0) {
                mine[i] = our;
                theirs[i] = other;
            }
        }
        return new Outcome(this, new Sample(mine), new Sample(theirs));
    }
}
