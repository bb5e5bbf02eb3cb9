package dev.atoll.http;

import java.util.List;

/**
 * Bounds of one WebSocket.
 *
 * @param maxMessageBytes longest message taken from the peer; beyond: close 1009
 * @param subprotocols those the server speaks; the client's first that is among them is chosen, none
 *     when there is none
 */
public record WebSocketConfig(int maxMessageBytes, List<String> subprotocols) {
    /** 1 MiB a message, no subprotocol. */
    public static final WebSocketConfig DEFAULT = new WebSocketConfig(1 << 20, List.of());

    public WebSocketConfig {
        subprotocols = List.copyOf(subprotocols);
    }
}
