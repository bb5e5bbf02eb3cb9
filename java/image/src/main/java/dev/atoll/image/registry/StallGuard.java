package dev.atoll.image.registry;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;

/**
 * A stream that fails when nothing comes for too long, since a thread of its own closes it then, which wakes
 * the reader up; and when what comes does not keep the pace. For one reader.
 */
final class StallGuard extends FilterInputStream {
    private final Duration longest;
    private final Pace pace;
    private final Thread watch;
    private volatile long progress = System.nanoTime();
    private volatile boolean stalled;

    /** Nothing came for so long, or too little. */
    static final class StalledException extends IOException {
        private static final long serialVersionUID = 1;

        StalledException(Duration longest) {
            super("nothing came for " + longest.toMillis() + " ms");
        }

        StalledException(Pace least) {
            super("less came than " + least);
        }
    }

    StallGuard(InputStream in, Duration longest, Pace pace) {
        super(in);
        this.pace = pace;
        pace.begins();
        this.longest = longest;
        this.watch = Thread.ofVirtual().name("stall-guard").start(this::watch);
    }

    private void watch() {
        try {
            while (true) {
                long left = longest.toNanos() - (System.nanoTime() - progress);
                if (left <= 0) {
                    stalled = true;
                    in.close();
                    return;
                }
                Thread.sleep(Duration.ofNanos(left));
            }
        } catch (InterruptedException | IOException e) {
            // Closed by its reader, or closed already.
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        int n;
        try {
            n = in.read(into, offset, length);
        } catch (IOException e) {
            throw stalled ? new StalledException(longest) : e;
        }
        if (n < 0 && stalled) {
            throw new StalledException(longest);
        }
        progress = System.nanoTime();
        if (n >= 0 && !pace.received(n)) {
            throw new StalledException(pace);
        }
        return n;
    }

    @Override
    public void close() throws IOException {
        watch.interrupt();
        in.close();
    }
}
