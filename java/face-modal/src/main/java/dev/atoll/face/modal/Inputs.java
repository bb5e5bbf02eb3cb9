package dev.atoll.face.modal;

import com.google.protobuf.ByteString;
import dev.atoll.domain.GuestException;
import dev.atoll.domain.ProcessId;
import dev.atoll.domain.Processes;
import dev.atoll.grpc.GrpcException;
import dev.atoll.grpc.Status;

/** Writes to the standard input of a process. */
final class Inputs {
    /** Behind whatever was written before. */
    static final long APPEND = -1;

    /** What the domain takes at once. */
    private static final int PIECE = 4 << 20;

    private Inputs() {}

    /**
     * Blocks until the process took it.
     *
     * @param offset where it starts in all input so far; bytes below what was accepted are dropped
     * @throws GrpcException FAILED_PRECONDITION when the process reads no more
     */
    static void write(Inside inside, Processes processes, ProcessId id, long offset, ByteString data, boolean eof) {
        try {
            int from = 0;
            do {
                int to = Math.min(data.size(), from + PIECE);
                long at = offset == APPEND ? APPEND : offset + from;
                byte[] piece = data.substring(from, to).toByteArray();
                processes.input(inside.caller(), inside.sandbox(), id, at, piece, eof && to == data.size());
                from = to;
            } while (from < data.size());
        } catch (GuestException e) {
            throw e.code() == GuestException.Code.IO
                    ? new GrpcException(Status.FAILED_PRECONDITION, String.valueOf(e.getMessage()))
                    : e;
        }
    }
}
