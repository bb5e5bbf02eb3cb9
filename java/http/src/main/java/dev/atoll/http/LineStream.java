package dev.atoll.http;

import java.io.IOException;
import java.util.Arrays;

/** Newline-delimited JSON: one value a line. Methods may be called from several threads. */
public final class LineStream {
    private final ResponseStream out;
    private final Json json;

    LineStream(ResponseStream out, Json json) {
        this.out = out;
        this.json = json;
    }

    /** Sends one value at once. */
    public synchronized void send(Object value) throws IOException {
        byte[] bytes = json.write(value);
        byte[] line = Arrays.copyOf(bytes, bytes.length + 1);
        line[bytes.length] = '\n';
        out.write(line);
    }

    public void onDisconnect(Runnable action) {
        out.onDisconnect(action);
    }

    /** Speaks over a stream of lines. */
    @FunctionalInterface
    public interface Writer {
        void write(LineStream lines) throws Exception;
    }
}
