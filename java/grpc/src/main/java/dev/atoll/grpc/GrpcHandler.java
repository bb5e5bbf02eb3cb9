package dev.atoll.grpc;

import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import dev.atoll.http.ErrorMapper;
import dev.atoll.http.Handler;
import dev.atoll.http.HttpException;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A table of methods by path. A path that is not in it is answered with UNIMPLEMENTED and the
 * method's name. Messages of fields that nobody knows are accepted, as protobuf does.
 */
public final class GrpcHandler implements Handler {
    private static final Logger LOG = LoggerFactory.getLogger(GrpcHandler.class);
    private static final String CONTENT_TYPE = "application/grpc";

    /** One message in, one out. */
    @FunctionalInterface
    public interface Unary<Q, A> {
        A answer(Call call, Q request) throws IOException;
    }

    /** One message in, any number out. */
    @FunctionalInterface
    public interface ServerStream<Q, A extends MessageLite> {
        void answer(Call call, Q request, Replies<A> replies) throws IOException;
    }

    /** Any number in, one out. */
    @FunctionalInterface
    public interface ClientStream<Q, A> {
        A answer(Call call, Messages<Q> requests) throws IOException;
    }

    private interface Method {
        Response answer(Call call, Request request) throws IOException;
    }

    private final Map<String, Method> methods;
    private final Outcomes outcomes;

    private GrpcHandler(Map<String, Method> methods, Outcomes outcomes) {
        this.methods = Map.copyOf(methods);
        this.outcomes = outcomes;
    }

    /**
     * @param maxMessageBytes of one message of a request
     * @param errors what an exception of a method other than {@link GrpcException} and {@link IOException} becomes
     */
    public static Builder builder(int maxMessageBytes, Function<Exception, GrpcException> errors) {
        return new Builder(maxMessageBytes, errors);
    }

    /** For the listener: what is refused before it reaches this handler. */
    public static ErrorMapper refusals() {
        return (request, error) -> {
            int status = error instanceof HttpException http ? http.status() : 500;
            Status code = status >= 500 ? Status.UNAVAILABLE : Status.INVALID_ARGUMENT;
            return isGrpc(request)
                    ? refused(new Outcome(code, String.valueOf(error.getMessage())))
                    : Response.text(error.getMessage() + "\n").withStatus(status);
        };
    }

    @Override
    public Response handle(Request request) throws IOException {
        if (!isGrpc(request) || !request.method().equals("POST")) {
            return Response.text("This address speaks gRPC.\n").withStatus(415);
        }
        try {
            var call = new Call(request);
            Method method = methods.get(request.path());
            if (method == null) {
                throw new GrpcException(Status.UNIMPLEMENTED, call.method() + " is not offered by this server");
            }
            return method.answer(call, request);
        } catch (RuntimeException e) {
            return refused(outcomes.of(request, e));
        }
    }

    private static boolean isGrpc(Request request) {
        return request.header("Content-Type").filter(type -> type.startsWith(CONTENT_TYPE)).isPresent();
    }

    /** Status among the headers, "Trailers-Only". */
    private static Response refused(Outcome outcome) {
        Response response = Response.empty(200).with("Content-Type", CONTENT_TYPE);
        for (var header : outcome.headers().entrySet()) {
            response = response.with(header.getKey(), header.getValue());
        }
        return response;
    }

    /** Set by the call's thread before the trailers are asked for, which that thread does. */
    private static final class StreamEnd {
        private Outcome outcome = Outcome.OK;
    }

    /** What an exception ends its call with. */
    private record Outcomes(Function<Exception, GrpcException> errors) {
        Outcome of(Request request, RuntimeException error) {
            GrpcException mapped = error instanceof GrpcException own ? own : errors.apply(error);
            if (mapped.status() == Status.INTERNAL || mapped.status() == Status.UNKNOWN) {
                LOG.warn("{}", request.path(), error);
            } else {
                LOG.debug("{}: {} {}", request.path(), mapped.status(), mapped.getMessage());
            }
            return Outcome.of(mapped);
        }
    }

    /** Collects the methods; not safe for several threads. */
    public static final class Builder {
        private final int maxMessageBytes;
        private final Outcomes outcomes;
        private final Map<String, Method> methods = new HashMap<>();

        private Builder(int maxMessageBytes, Function<Exception, GrpcException> errors) {
            this.maxMessageBytes = maxMessageBytes;
            this.outcomes = new Outcomes(errors);
        }

        /** @param path {@code /package.Service/Method} */
        public <Q, A extends MessageLite> Builder unary(String path, Parser<Q> parser, Unary<Q, A> method) {
            return clientStream(path, parser, (call, requests) -> method.answer(call, requests.single()));
        }

        public <Q, A extends MessageLite> Builder clientStream(String path, Parser<Q> parser, ClientStream<Q, A> method) {
            return add(path, (call, request) -> {
                A answer = method.answer(call, messages(request, parser));
                return Response.bytes(CONTENT_TYPE, Framing.frame(answer)).withTrailers(Outcome.OK::headers);
            });
        }

        public <Q, A extends MessageLite> Builder serverStream(String path, Parser<Q> parser, ServerStream<Q, A> method) {
            return add(path, (call, request) -> {
                Q message = messages(request, parser).single();
                var end = new StreamEnd();
                return Response.stream(CONTENT_TYPE, out -> {
                            try {
                                method.answer(call, message, new Replies<>(out));
                            } catch (RuntimeException e) {
                                end.outcome = outcomes.of(request, e);
                            }
                        })
                        .withTrailers(() -> end.outcome.headers());
            });
        }

        private <Q> Messages<Q> messages(Request request, Parser<Q> parser) {
            return new Messages<>(request.body(), parser, maxMessageBytes);
        }

        private Builder add(String path, Method method) {
            if (methods.put(path, method) != null) {
                throw new IllegalArgumentException(path + " is there already");
            }
            return this;
        }

        public GrpcHandler build() {
            return new GrpcHandler(methods, outcomes);
        }
    }
}
