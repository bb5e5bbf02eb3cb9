package dev.atoll.tests;

import java.util.BitSet;

/**
 * Addresses and host ids of one node's sandboxes: a part, which no other living node of this JVM has,
 * of the range that the environment gives the tests. Safe from any thread.
 */
final class NodeRange implements AutoCloseable {
    /** Slots of a node: more than the most sandboxes that a test keeps alive at once. */
    static final int MAX_SLOTS = 512;

    private static final long IDS_PER_SANDBOX = 65_536;
    /** A /16 is given; the parts are /20, of 4,094 addresses. */
    private static final int PARTS = 16;

    private static final BitSet TAKEN = new BitSet(PARTS);

    private final int part;

    private NodeRange(int part) {
        this.part = part;
    }

    /** The lowest that is free. Two nodes live at once at most as a rule: the shared one and a test's own. */
    static NodeRange take() {
        synchronized (TAKEN) {
            int part = TAKEN.nextClearBit(0);
            if (part >= PARTS) {
                throw new IllegalStateException(PARTS + " nodes live at once");
            }
            TAKEN.set(part);
            return new NodeRange(part);
        }
    }

    String subnet() {
        String given = NodePlace.environment("ATOLL_TEST_SUBNET").orElse("10.209.0.0/16");
        String[] octets = given.split("[./]");
        if (octets.length != 5 || !octets[4].equals("16")) {
            throw new IllegalStateException("ATOLL_TEST_SUBNET is " + given + ", it must be a /16");
        }
        return "%s.%s.%d.0/20".formatted(octets[0], octets[1], part * 16);
    }

    /** First host id of the first sandbox. */
    long idBase() {
        long given = Long.parseLong(NodePlace.environment("ATOLL_TEST_ID_BASE").orElse("1342177280"));
        return given + part * MAX_SLOTS * IDS_PER_SANDBOX;
    }

    @Override
    public void close() {
        synchronized (TAKEN) {
            TAKEN.clear(part);
        }
    }
}
