package dev.atoll.http;

import java.io.IOException;

/**
 * An open WebSocket. One thread calls {@link #receive}; the send methods may be called from several
 * threads and block until the connection took the message, so that a slow peer holds its sender. Pings
 * are sent and answered by themselves. A lost connection is an IOException to senders and
 * {@link WebSocketMessage.Closed} with 1006 to the receiver.
 */
public interface WebSocket {
    /** The one chosen, empty when none was. */
    String subprotocol();

    /** Blocks for the next message; the peer is read only as fast as this is called. */
    WebSocketMessage receive() throws InterruptedException;

    void sendText(String text) throws IOException;

    /** The bytes may be used again when it returns. */
    void sendBinary(byte[] bytes, int offset, int length) throws IOException;

    default void sendBinary(byte[] bytes) throws IOException {
        sendBinary(bytes, 0, bytes.length);
    }

    /**
     * Starts the closing handshake; no more may be sent. Does nothing when already closed.
     *
     * @param code of RFC 6455 §7.4
     * @param reason at most 123 bytes of UTF-8, longer is cut
     */
    void close(int code, String reason);

    /** Whether messages can still be sent. */
    boolean isOpen();
}
