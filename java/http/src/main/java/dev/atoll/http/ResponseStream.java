package dev.atoll.http;

import java.io.IOException;
import java.io.OutputStream;

/**
 * The body of a response being written. Every write blocks until the connection took it: write big
 * arrays. A client that is gone is an IOException. Closing is the listener's work.
 */
public final class ResponseStream extends OutputStream {
    private final OutputStream out;
    private final Disconnect disconnect;
    private boolean written;
    private volatile boolean gone;

    ResponseStream(OutputStream out, Disconnect disconnect) {
        this.out = out;
        this.disconnect = disconnect;
        disconnect.onDisconnect(() -> gone = true);
    }

    /** As {@link Request#onDisconnect}. */
    public void onDisconnect(Runnable action) {
        disconnect.onDisconnect(action);
    }

    /** Whether anything was handed to the connection, so that the status cannot change any more. */
    boolean isWritten() {
        return written;
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        if (gone) {
            throw new IOException("the client is gone");
        }
        written = true;
        out.write(bytes, offset, length);
    }

    /** Sends status and headers even when no byte was written yet. */
    @Override
    public void flush() throws IOException {
        if (gone) {
            throw new IOException("the client is gone");
        }
        written = true;
        out.flush();
    }

    /** Does nothing: the body ends when its writer returns. */
    @Override
    public void close() {}
}
