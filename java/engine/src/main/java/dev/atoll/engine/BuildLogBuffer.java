package dev.atoll.engine;

import dev.atoll.domain.BuildLog;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The log of one build: the newest 4 MiB of it, read by offset while it grows and afterwards. Safe from
 * any thread.
 */
final class BuildLogBuffer {
    static final int KEPT = 4 << 20;
    private static final int LARGEST_PIECE = 256 << 10;
    private static final int FIRST_SIZE = 8 << 10;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition grown = lock.newCondition();
    /** A ring: the byte of offset {@code o} is at {@code o % length}; it grows up to KEPT. */
    private byte[] ring = new byte[FIRST_SIZE];
    private long end;
    private boolean ended;

    void append(String text) {
        append(text.getBytes(StandardCharsets.UTF_8));
    }

    void append(byte[] bytes) {
        lock.lock();
        try {
            ensureRoom(bytes.length);
            int skipped = Math.max(0, bytes.length - ring.length);
            end += skipped;
            for (int i = skipped; i < bytes.length; i++) {
                ring[(int) (end++ % ring.length)] = bytes[i];
            }
            grown.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void ensureRoom(int more) {
        long wanted = Math.min(KEPT, end + more);
        if (wanted <= ring.length) {
            return;
        }
        int size = ring.length;
        while (size < wanted) {
            size *= 2;
        }
        byte[] larger = new byte[Math.min(size, KEPT)];
        // Until it has its full size nothing was overwritten: offsets are places.
        System.arraycopy(ring, 0, larger, 0, (int) end);
        ring = larger;
    }

    /** Nothing follows. */
    void end() {
        lock.lock();
        try {
            ended = true;
            grown.signalAll();
        } finally {
            lock.unlock();
        }
    }

    long length() {
        lock.lock();
        try {
            return end;
        } finally {
            lock.unlock();
        }
    }

    /** What the buffer takes of memory. */
    int allocated() {
        lock.lock();
        try {
            return ring.length;
        } finally {
            lock.unlock();
        }
    }

    /** Waits for a byte at this offset, the end, or {@code wait}; an interrupt is as the last. */
    BuildLog read(long offset, Duration wait) {
        lock.lock();
        try {
            long nanos = wait.toNanos();
            while (offset >= end && !ended && nanos > 0) {
                nanos = grown.awaitNanos(nanos);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
        return piece(offset);
    }

    private BuildLog piece(long offset) {
        lock.lock();
        try {
            long from = Math.clamp(offset, Math.max(0, end - ring.length), Math.max(offset, end));
            byte[] bytes = new byte[(int) Math.clamp(end - from, 0, LARGEST_PIECE)];
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] = ring[(int) ((from + i) % ring.length)];
            }
            return new BuildLog(from, bytes, ended && from + bytes.length >= end);
        } finally {
            lock.unlock();
        }
    }

    /** The last bytes from {@code start} on, at most {@code most}, as text. */
    String tail(long start, int most) {
        lock.lock();
        try {
            long from = Math.max(Math.max(start, end - most), end - ring.length);
            byte[] bytes = new byte[(int) (end - from)];
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] = ring[(int) ((from + i) % ring.length)];
            }
            return new String(bytes, StandardCharsets.UTF_8);
        } finally {
            lock.unlock();
        }
    }
}
