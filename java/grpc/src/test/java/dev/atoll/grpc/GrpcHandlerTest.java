package dev.atoll.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import com.google.protobuf.BytesValue;
import com.google.protobuf.Int32Value;
import com.google.protobuf.Message;
import com.google.protobuf.StringValue;
import dev.atoll.http.HttpListener;
import dev.atoll.http.ListenerConfig;
import io.grpc.CallOptions;
import io.grpc.ClientInterceptors;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Against the client of grpc-java. */
class GrpcHandlerTest {
    private static final int MAX_MESSAGE = 1 << 20;
    private static final StringValue TEXT = StringValue.getDefaultInstance();
    private static final Int32Value NUMBER = Int32Value.getDefaultInstance();

    private final AtomicBoolean cancelled = new AtomicBoolean();
    private final HttpListener listener = HttpListener.start(
            ListenerConfig.on("127.0.0.1", 0).withStopTimeout(Duration.ofSeconds(1)),
            handler(),
            GrpcHandler.refusals(),
            RandomGenerator.of("L64X128MixRandom"));
    private final ManagedChannel channel = NettyChannelBuilder.forAddress("127.0.0.1", listener.port())
            .usePlaintext()
            .maxInboundMessageSize(8 << 20)
            .build();

    @AfterEach
    void close() throws InterruptedException {
        channel.shutdownNow();
        channel.awaitTermination(10, TimeUnit.SECONDS);
        listener.close();
    }

    private GrpcHandler handler() {
        return GrpcHandler.builder(MAX_MESSAGE, error -> new GrpcException(Status.ABORTED, String.valueOf(error.getMessage())))
                .unary("/t.T/Greet", StringValue.parser(), (call, name) ->
                        StringValue.of(call.metadata("X-Word").orElse("hello") + " " + name.getValue()))
                .<StringValue, StringValue>unary("/t.T/Refuse", StringValue.parser(), (_, text) -> {
                    throw new GrpcException(Status.NOT_FOUND, text.getValue());
                })
                .<StringValue, StringValue>unary("/t.T/Break", StringValue.parser(), (_, text) -> {
                    throw new IllegalStateException(text.getValue());
                })
                .unary("/t.T/Left", StringValue.parser(), (call, _) ->
                        StringValue.of(Long.toString(call.remaining().map(Duration::toSeconds).orElse(-1L))))
                .<Int32Value, Int32Value>serverStream("/t.T/Count", Int32Value.parser(), (_, to, replies) -> {
                    for (int i = 1; i <= Math.abs(to.getValue()); i++) {
                        replies.send(Int32Value.of(i));
                    }
                    if (to.getValue() < 0) {
                        throw new GrpcException(Status.OUT_OF_RANGE, "negative");
                    }
                })
                .<Int32Value, BytesValue>serverStream("/t.T/Pour", Int32Value.parser(), (_, size, replies) -> {
                    for (int i = 0; i < size.getValue(); i++) {
                        replies.send(BytesValue.of(ByteString.copyFrom(new byte[1 << 20])));
                    }
                })
                .<Int32Value, Int32Value>serverStream("/t.T/Hang", Int32Value.parser(), (call, number, replies) -> {
                    replies.send(number);
                    var gone = new CompletableFuture<Boolean>();
                    call.onCancel(() -> gone.complete(true));
                    cancelled.set(gone.join() && call.isCancelled());
                })
                .clientStream("/t.T/Sum", Int32Value.parser(), (_, numbers) -> {
                    int sum = 0;
                    for (var next = numbers.next(); next.isPresent(); next = numbers.next()) {
                        sum += next.get().getValue();
                    }
                    return Int32Value.of(sum);
                })
                .build();
    }

    private static <Q extends Message, A extends Message> MethodDescriptor<Q, A> method(
            MethodType type, String name, Q request, A answer) {
        return MethodDescriptor.<Q, A>newBuilder(ProtoUtils.marshaller(request), ProtoUtils.marshaller(answer))
                .setType(type)
                .setFullMethodName("t.T/" + name)
                .build();
    }

    private String call(String name, String text) {
        var method = method(MethodType.UNARY, name, TEXT, TEXT);
        return ClientCalls.blockingUnaryCall(channel, method, CallOptions.DEFAULT, StringValue.of(text)).getValue();
    }

    private Iterator<Int32Value> stream(String name, int number) {
        var method = method(MethodType.SERVER_STREAMING, name, NUMBER, NUMBER);
        return ClientCalls.blockingServerStreamingCall(channel, method, CallOptions.DEFAULT, Int32Value.of(number));
    }

    private void refused(String name, String text, Code code, String message) {
        assertThatThrownBy(() -> call(name, text)).isInstanceOfSatisfying(StatusRuntimeException.class, e -> {
            assertThat(e.getStatus().getCode()).isEqualTo(code);
            assertThat(e.getStatus().getDescription()).isEqualTo(message);
        });
    }

    @Test
    void unaryCallsBringMessageAndMetadata() {
        assertThat(call("Greet", "ann")).isEqualTo("hello ann");
        var metadata = new Metadata();
        metadata.put(Metadata.Key.of("x-word", Metadata.ASCII_STRING_MARSHALLER), "bye");
        var told = ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(metadata));
        var method = method(MethodType.UNARY, "Greet", TEXT, TEXT);
        assertThat(ClientCalls.blockingUnaryCall(told, method, CallOptions.DEFAULT, StringValue.of("ann")).getValue())
                .isEqualTo("bye ann");
    }

    @Test
    void refusalsBringStatusAndAnyText() {
        refused("Refuse", "no 100% of ä€", Code.NOT_FOUND, "no 100% of ä€");
        refused("Break", "broken", Code.ABORTED, "broken");
    }

    @Test
    void methodThatIsNotThereIsUnimplementedByName() {
        refused("Levitate", "", Code.UNIMPLEMENTED, "Levitate is not offered by this server");
    }

    @Test
    void messageThatIsTooLongIsRefused() {
        refused("Greet", "x".repeat(MAX_MESSAGE), Code.RESOURCE_EXHAUSTED, "a message of 1048580 bytes; allowed: 1048576");
    }

    @Test
    void deadlineOfTheClientIsKnown() {
        var method = method(MethodType.UNARY, "Left", TEXT, TEXT);
        var options = CallOptions.DEFAULT.withDeadlineAfter(100, TimeUnit.SECONDS);
        String left = ClientCalls.blockingUnaryCall(channel, method, options, StringValue.of("")).getValue();
        assertThat(Long.parseLong(left)).isBetween(1L, 100L);
        assertThat(call("Left", "")).isEqualTo("-1");
    }

    @Test
    void streamsEndWithTheirStatus() {
        var numbers = new ArrayList<Integer>();
        stream("Count", 1000).forEachRemaining(n -> numbers.add(n.getValue()));
        assertThat(numbers).hasSize(1000).startsWith(1, 2).endsWith(999, 1000);
        assertThat(stream("Count", 0)).isExhausted();
        Iterator<Int32Value> bad = stream("Count", -1);
        assertThat(bad.next().getValue()).isEqualTo(1);
        assertThatThrownBy(bad::hasNext).isInstanceOfSatisfying(StatusRuntimeException.class, e ->
                assertThat(e.getStatus().getCode()).isEqualTo(Code.OUT_OF_RANGE));
    }

    @Test
    void streamLargerThanTheHeapPasses() {
        var method = method(MethodType.SERVER_STREAMING, "Pour", NUMBER, BytesValue.getDefaultInstance());
        Iterator<BytesValue> pieces =
                ClientCalls.blockingServerStreamingCall(channel, method, CallOptions.DEFAULT, Int32Value.of(400));
        long total = 0;
        while (pieces.hasNext()) {
            total += pieces.next().getValue().size();
        }
        assertThat(total).isEqualTo(400L << 20);
    }

    @Test
    void cancelReachesTheMethod() {
        var context = Context.current().withCancellation();
        context.run(() -> assertThat(stream("Hang", 7).next().getValue()).isEqualTo(7));
        context.cancel(null);
        await().untilTrue(cancelled);
    }

    @Test
    void clientStreamsAreReadAsTheyCome() {
        var method = method(MethodType.CLIENT_STREAMING, "Sum", NUMBER, NUMBER);
        var answer = new CompletableFuture<Int32Value>();
        StreamObserver<Int32Value> requests =
                ClientCalls.asyncClientStreamingCall(channel.newCall(method, CallOptions.DEFAULT), new Completing(answer));
        List.of(1, 2, 3).forEach(n -> requests.onNext(Int32Value.of(n)));
        requests.onCompleted();
        assertThat(answer.join().getValue()).isEqualTo(6);
    }

    private record Completing(CompletableFuture<Int32Value> answer) implements StreamObserver<Int32Value> {
        @Override
        public void onNext(Int32Value value) {
            answer.complete(value);
        }

        @Override
        public void onError(Throwable error) {
            answer.completeExceptionally(error);
        }

        @Override
        public void onCompleted() {
            // The answer came before.
        }
    }
}
