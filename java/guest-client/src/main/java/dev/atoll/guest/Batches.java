package dev.atoll.guest;

import dev.atoll.domain.FileInfo;
import dev.atoll.domain.GuestException;
import dev.atoll.domain.Replacement;
import dev.atoll.domain.TextMatch;
import dev.atoll.guest.proto.Match;
import dev.atoll.guest.proto.ReplaceResult;
import dev.atoll.guest.proto.Reply;
import dev.atoll.guest.proto.Reply.ResultCase;
import dev.atoll.guest.proto.Request;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Operations whose answer is many replies and then ok. */
final class Batches {
    /** Of one answer on the wire: what is made of it lies in the heap all at once. */
    private static final long MAX_BYTES = 32 << 20;

    private final SocketEndpoint endpoint;

    Batches(SocketEndpoint endpoint) {
        this.endpoint = endpoint;
    }

    List<FileInfo> files(Request request, int limit) {
        return collect(request, limit, ResultCase.FILES, (reply, into) -> {
            for (var file : reply.getFiles().getFilesList()) {
                into.add(Decode.file(file));
            }
        });
    }

    List<TextMatch> matches(Request request, int limit) {
        return collect(request, limit, ResultCase.MATCHES, (reply, into) -> {
            for (Match match : reply.getMatches().getMatchesList()) {
                into.add(Decode.match(match));
            }
        });
    }

    List<Replacement> replacements(Request request, int limit) {
        return collect(request, limit, ResultCase.REPLACED, (reply, into) -> {
            ReplaceResult result = reply.getReplaced();
            Optional<String> error = result.hasError()
                    ? Optional.of(String.valueOf(Decode.error(result.getError()).getMessage()))
                    : Optional.empty();
            into.add(new Replacement(Decode.path(result.getFile()), Decode.count(result.getCount()), error));
        });
    }

    private <T> List<T> collect(Request request, int limit, ResultCase batch, Decoder<T> decoder) {
        GuestConnection connection = endpoint.begin(request, endpoint.timeouts().work());
        List<T> items = new ArrayList<>();
        long bytes = 0;
        try {
            while (true) {
                Reply reply = connection.reply();
                Decode.expect(reply, batch, ResultCase.OK);
                if (reply.getResultCase() != batch) {
                    endpoint.release(connection);
                    Decode.throwIfError(reply);
                    return items;
                }
                bytes += reply.getSerializedSize();
                if (bytes > MAX_BYTES) {
                    endpoint.discard(connection);
                    throw new GuestException(
                            GuestException.Code.TOO_LARGE,
                            "the answer is larger than " + (MAX_BYTES >> 20) + " MiB; ask for less",
                            "limit");
                }
                decoder.decode(reply, items);
                if (items.size() > limit) {
                    throw new ProtocolException("the guest sent more than the " + limit + " that were asked for");
                }
            }
        } catch (IOException e) {
            throw endpoint.fail(connection, e);
        }
    }

    private interface Decoder<T> {
        void decode(Reply reply, List<T> into) throws ProtocolException;
    }
}
