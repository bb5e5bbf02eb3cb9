package dev.atoll.http;

/** Speaks over one WebSocket on a virtual thread of its own. */
@FunctionalInterface
public interface WebSocketHandler {
    /**
     * When it returns without having closed, the socket is closed with 1000; when it throws, with
     * 1011.
     */
    void run(WebSocket socket) throws Exception;
}
