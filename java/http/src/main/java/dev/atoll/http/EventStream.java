package dev.atoll.http;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Server-sent events (WHATWG HTML §9.2). Methods may be called from several threads. */
public final class EventStream {
    private final ResponseStream out;

    EventStream(ResponseStream out) {
        this.out = out;
    }

    /** @param event the event's name, one line; empty = the default */
    public void send(String event, String data) throws IOException {
        StringBuilder text = new StringBuilder(data.length() + event.length() + 16);
        if (!event.isEmpty()) {
            text.append("event: ").append(event).append('\n');
        }
        data.lines().forEach(line -> text.append("data: ").append(line).append('\n'));
        if (data.isEmpty()) {
            text.append("data:\n");
        }
        write(text.append('\n').toString());
    }

    /** A comment, which clients ignore: keeps proxies from closing an idle stream. */
    public void keepAlive() throws IOException {
        write(":\n\n");
    }

    private synchronized void write(String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
    }

    public void onDisconnect(Runnable action) {
        out.onDisconnect(action);
    }

    /** Speaks over an event stream. */
    @FunctionalInterface
    public interface Writer {
        void write(EventStream events) throws Exception;
    }
}
