package dev.atoll.http;

/** What {@link WebSocket#receive} yields. */
public sealed interface WebSocketMessage {
    /** A whole text message. */
    record Text(String text) implements WebSocketMessage {}

    /** A whole binary message; the array is the receiver's. */
    record Binary(byte[] bytes) implements WebSocketMessage {}

    /** The end; nothing follows. Codes of RFC 6455 §7.4; 1006 when the connection was lost. */
    record Closed(int code, String reason) implements WebSocketMessage {}
}
