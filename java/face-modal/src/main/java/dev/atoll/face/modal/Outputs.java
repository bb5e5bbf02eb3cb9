package dev.atoll.face.modal;

import com.google.protobuf.ByteString;
import dev.atoll.domain.ProcessEvent;
import dev.atoll.domain.ProcessStream;
import dev.atoll.grpc.Call;
import java.io.IOException;
import java.util.Optional;

/** One output of one process, read to its end. */
final class Outputs {
    /** Takes what is read, in order. */
    interface Sink {
        /** @param offset of the first byte in all that the process wrote */
        void accept(long offset, byte[] bytes) throws IOException;

        /** Bytes up to {@code to} were dropped before anybody read them. */
        default void gap(long from, long to) {}
    }

    private Outputs() {}

    /** Returns at the end of the output, or when the client is gone. */
    static void follow(ProcessStream stream, long offset, Call call, Sink sink) throws IOException {
        try (stream) {
            call.onCancel(() -> Thread.ofVirtual().start(stream::close));
            long at = offset;
            for (Optional<ProcessEvent> event = stream.next(); event.isPresent(); event = stream.next()) {
                switch (event.get()) {
                    case ProcessEvent.Output output when output.bytes().length > 0 -> {
                        sink.accept(at, output.bytes());
                        at += output.bytes().length;
                    }
                    case ProcessEvent.Output _ -> {
                        // An empty message is an error to some clients.
                    }
                    case ProcessEvent.Gap gap -> {
                        sink.gap(gap.from(), gap.to());
                        at = gap.to();
                    }
                    case ProcessEvent.Exited _ -> {
                        return;
                    }
                }
            }
        }
    }

    static ByteString bytes(byte[] bytes) {
        return ByteString.copyFrom(bytes);
    }
}
