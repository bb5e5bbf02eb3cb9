package dev.atoll.guest;

import java.io.IOException;

/** The guest sent what the protocol does not allow. Its connection is closed. */
final class ProtocolException extends IOException {
    private static final long serialVersionUID = 1;

    ProtocolException(String message) {
        super(message);
    }
}
