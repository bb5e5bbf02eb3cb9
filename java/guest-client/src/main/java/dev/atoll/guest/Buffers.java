package dev.atoll.guest;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Arrays for bulk transfers, each with room for a frame's header and the largest DATA payload. A few
 * are kept, so that uploads one after the other allocate nothing. Safe from any thread.
 */
final class Buffers {
    private static final int KEPT = 16;

    private final ConcurrentLinkedQueue<byte[]> free = new ConcurrentLinkedQueue<>();
    private final AtomicInteger kept = new AtomicInteger();

    byte[] take() {
        byte[] array = free.poll();
        if (array == null) {
            return new byte[Frame.HEADER + Frame.MAX_DATA];
        }
        kept.decrementAndGet();
        return array;
    }

    /** The caller must not touch the array again. */
    void giveBack(byte[] array) {
        if (kept.incrementAndGet() <= KEPT) {
            free.add(array);
        } else {
            kept.decrementAndGet();
        }
    }
}
