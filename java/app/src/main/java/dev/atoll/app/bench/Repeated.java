package dev.atoll.app.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;

/** Writes the same buffer again and again: how bulk data is made without a source that costs. */
final class Repeated {
    private Repeated() {}

    /** @param content from its position to its limit; not changed */
    static void write(ByteBuffer content, long length, WritableByteChannel to) throws IOException {
        for (long left = length; left > 0; ) {
            ByteBuffer next = content.duplicate();
            next.limit((int) Math.min(next.limit(), next.position() + left));
            while (next.hasRemaining()) {
                left -= to.write(next);
            }
        }
    }
}
