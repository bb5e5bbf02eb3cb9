package dev.atoll.guest;

import dev.atoll.domain.UnavailableException;

/** A look into a message whose connection is released already. */
interface Decoding<T> {
    T run() throws ProtocolException;

    /** @throws UnavailableException when the message says what cannot be */
    static <T> T orUnavailable(Decoding<T> decoding) {
        try {
            return decoding.run();
        } catch (ProtocolException e) {
            throw new UnavailableException("the sandbox answered nonsense: " + e.getMessage(), e);
        }
    }
}
