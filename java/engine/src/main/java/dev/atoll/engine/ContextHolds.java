package dev.atoll.engine;

import dev.atoll.domain.CapacityException;

/**
 * The room for contexts of builds on this node: each lies as a file in the state directory, beside the
 * database, and its names in memory, from its first byte until its build ends. Safe from any thread.
 */
final class ContextHolds {
    static final int MOST = 8;
    /** Names and the like of all together; the largest context that is allowed takes 70 MiB. */
    private static final long MOST_MEMORY = 96L << 20;

    private int held;
    private long memory;

    /** The room of one context. Closing it twice does nothing more. */
    final class Hold implements AutoCloseable {
        private long mine;
        private boolean closed;

        /** @throws CapacityException when there is no room for so many bytes of memory more */
        void take(long bytes) {
            synchronized (ContextHolds.this) {
                if (memory + bytes > MOST_MEMORY) {
                    throw full("the contexts of builds under way have as many files as this node has memory for");
                }
                memory += bytes;
                mine += bytes;
            }
        }

        @Override
        public void close() {
            synchronized (ContextHolds.this) {
                if (!closed) {
                    closed = true;
                    held--;
                    memory -= mine;
                }
            }
        }
    }

    /** @throws CapacityException when as many are held as may be */
    synchronized Hold hold() {
        if (held == MOST) {
            throw full(MOST + " builds with contexts are under way on this node");
        }
        held++;
        return new Hold();
    }

    private static CapacityException full(String what) {
        return new CapacityException(CapacityException.What.QUOTA, what + "; try again when one has ended");
    }
}
