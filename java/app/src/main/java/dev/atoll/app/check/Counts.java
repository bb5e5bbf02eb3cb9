package dev.atoll.app.check;

/** How tests ended. */
record Counts(int passed, int failed, int skipped) {
    static final Counts NONE = new Counts(0, 0, 0);

    Counts plus(Counts more) {
        return new Counts(passed + more.passed, failed + more.failed, skipped + more.skipped);
    }

    /** A runner that failed without a failed test failed all the same: it did not compile, or was killed. */
    Counts afterStatus(int status) {
        return status != 0 && failed == 0 ? new Counts(passed, 1, skipped) : this;
    }

    @Override
    public String toString() {
        return passed + " passed, " + failed + " failed, " + skipped + " skipped";
    }
}
