package dev.atoll.app.bench;

/**
 * How much is measured.
 *
 * @param rounds of what takes milliseconds
 * @param warmUp operations that a server serves after each start before anything is measured, so that
 *     its code is compiled as it is after some minutes of use
 */
record Plan(int rounds, int warmUp) {
    private static final int FEWEST_HEAVY_ROUNDS = 3;
    private static final int HEAVY = 10;

    /** Of what takes about a second each, such as a burst, a transfer or a start: a tenth. */
    int heavyRounds() {
        return Math.max(Math.min(rounds, FEWEST_HEAVY_ROUNDS), rounds / HEAVY);
    }
}
