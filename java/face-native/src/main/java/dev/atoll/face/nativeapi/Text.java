package dev.atoll.face.nativeapi;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;

/**
 * Bytes of a process as JSON carries them: text when they are UTF-8, base64 when not. Exactly one
 * of both is present.
 */
record Text(Optional<String> text, Optional<String> base64) {
    static Text of(byte[] bytes) {
        return of(bytes, 0, bytes.length);
    }

    static Text of(byte[] bytes, int offset, int length) {
        try {
            var decoded = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, offset, length));
            return new Text(Optional.of(decoded.toString()), Optional.empty());
        } catch (CharacterCodingException e) {
            ByteBuffer encoded = Base64.getEncoder().encode(ByteBuffer.wrap(bytes, offset, length));
            return new Text(
                    Optional.empty(), Optional.of(StandardCharsets.US_ASCII.decode(encoded).toString()));
        }
    }
}
