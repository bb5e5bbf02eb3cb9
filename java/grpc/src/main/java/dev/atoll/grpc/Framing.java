package dev.atoll.grpc;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Optional;

/** Messages with their five bytes before them: whether compressed, and the length, big-endian. */
final class Framing {
    private static final int PREFIX = 5;

    private Framing() {}

    static byte[] frame(MessageLite message) {
        byte[] bytes = message.toByteArray();
        return ByteBuffer.allocate(PREFIX + bytes.length).put((byte) 0).putInt(bytes.length).put(bytes).array();
    }

    /**
     * The next message of a request, empty at its end.
     *
     * @param maxBytes of one message; checked before anything is allocated for it
     * @throws GrpcException when it is compressed, too long or no message of this type
     * @throws IOException when the client is gone
     */
    static <T> Optional<T> read(InputStream in, Parser<T> parser, int maxBytes) throws IOException {
        byte[] prefix = in.readNBytes(PREFIX);
        if (prefix.length == 0) {
            return Optional.empty();
        }
        if (prefix.length < PREFIX) {
            throw new EOFException("a request ended within a message");
        }
        if (prefix[0] != 0) {
            throw new GrpcException(Status.UNIMPLEMENTED, "compressed messages are not offered");
        }
        int length = ByteBuffer.wrap(prefix).getInt(1);
        if (length < 0 || length > maxBytes) {
            throw new GrpcException(
                    Status.RESOURCE_EXHAUSTED,
                    "a message of " + Integer.toUnsignedString(length) + " bytes; allowed: " + maxBytes);
        }
        byte[] bytes = in.readNBytes(length);
        if (bytes.length < length) {
            throw new EOFException("a request ended within a message");
        }
        try {
            return Optional.of(parser.parseFrom(bytes));
        } catch (InvalidProtocolBufferException e) {
            throw new GrpcException(Status.INVALID_ARGUMENT, "the message is malformed: " + e.getMessage());
        }
    }
}
