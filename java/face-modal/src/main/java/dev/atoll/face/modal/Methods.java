package dev.atoll.face.modal;

import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import dev.atoll.domain.Caller;
import dev.atoll.grpc.Call;
import dev.atoll.grpc.GrpcException;
import dev.atoll.grpc.GrpcHandler;
import dev.atoll.grpc.Messages;
import dev.atoll.grpc.Replies;
import dev.atoll.grpc.Status;
import java.io.IOException;
import java.util.function.Function;

/**
 * The two services' methods with the caller found. Calls of the control plane carry a key; calls of
 * the router carry a token of one sandbox, by which they name it.
 */
final class Methods {
    private static final String CONTROL = "/modal.client.ModalClient/";
    private static final String ROUTER = "/modal.task_command_router.TaskCommandRouter/";
    private static final String BEARER = "Bearer ";

    /** @param <W> who and where: a {@link Caller} or {@link Inside} */
    @FunctionalInterface
    interface Unary<W, Q, A> {
        A answer(W who, Q request, Call call) throws IOException;
    }

    @FunctionalInterface
    interface Stream<W, Q, A extends MessageLite> {
        void answer(W who, Q request, Replies<A> replies, Call call) throws IOException;
    }

    /** The first message has been read: it names the task. */
    @FunctionalInterface
    interface Upload<Q, A> {
        A answer(Inside inside, Q first, Messages<Q> rest) throws IOException;
    }

    private final GrpcHandler.Builder table;
    private final Authentication authentication;
    private final Tokens tokens;

    Methods(GrpcHandler.Builder table, Authentication authentication, Tokens tokens) {
        this.table = table;
        this.authentication = authentication;
        this.tokens = tokens;
    }

    <Q, A extends MessageLite> Methods control(String name, Parser<Q> parser, Unary<Caller, Q, A> method) {
        table.unary(CONTROL + name, parser, (call, request) ->
                method.answer(authentication.caller(call), request, call));
        return this;
    }

    /** Under this name and the same with V2 behind it. */
    <Q, A extends MessageLite> Methods both(String name, Parser<Q> parser, Unary<Caller, Q, A> method) {
        return control(name, parser, method).control(name + "V2", parser, method);
    }

    <Q, A extends MessageLite> Methods controlStream(String name, Parser<Q> parser, Stream<Caller, Q, A> method) {
        table.<Q, A>serverStream(CONTROL + name, parser, (call, request, replies) ->
                method.answer(authentication.caller(call), request, replies, call));
        return this;
    }

    <Q, A extends MessageLite> Methods router(
            String name, Parser<Q> parser, Function<Q, String> task, Unary<Inside, Q, A> method) {
        table.unary(ROUTER + name, parser, (call, request) ->
                method.answer(inside(call, task.apply(request)), request, call));
        return this;
    }

    <Q, A extends MessageLite> Methods routerStream(
            String name, Parser<Q> parser, Function<Q, String> task, Stream<Inside, Q, A> method) {
        table.<Q, A>serverStream(ROUTER + name, parser, (call, request, replies) ->
                method.answer(inside(call, task.apply(request)), request, replies, call));
        return this;
    }

    <Q, A extends MessageLite> Methods routerUpload(
            String name, Parser<Q> parser, Function<Q, String> task, Upload<Q, A> method) {
        table.<Q, A>clientStream(ROUTER + name, parser, (call, messages) -> {
            Q first = messages.next()
                    .orElseThrow(() -> new GrpcException(Status.INVALID_ARGUMENT, "the stream has no message"));
            return method.answer(inside(call, task.apply(first)), first, messages);
        });
        return this;
    }

    private Inside inside(Call call, String taskId) {
        String token = call.metadata("authorization")
                .filter(header -> header.startsWith(BEARER))
                .map(header -> header.substring(BEARER.length()))
                .orElseThrow(() -> new GrpcException(Status.UNAUTHENTICATED, "no token in 'authorization'"));
        var sandbox = VendorIds.task(taskId);
        return new Inside(tokens.caller(token, sandbox), sandbox);
    }
}
