package dev.atoll.app.observe;

import dev.atoll.app.config.TelemetryConfig;
import dev.atoll.http.CurrentRequest;
import dev.atoll.http.ErrorMapper;
import dev.atoll.http.Handler;
import dev.atoll.http.Request;
import dev.atoll.http.Response;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Spans by OpenTelemetry: one for each request, child of the client's if it sent a {@code traceparent},
 * and below it one for each call of the domain. Names of attributes are those of the semantic conventions
 * for HTTP, others begin with {@code atoll.}. A request's span ends with its response: of a stream, when
 * the last byte was written. Spans are sent in the background; what a receiver does not take is dropped.
 */
final class Tracing implements Observer, AutoCloseable {
    private static final AttributeKey<String> METHOD = AttributeKey.stringKey("http.request.method");
    private static final AttributeKey<String> ROUTE = AttributeKey.stringKey("http.route");
    private static final AttributeKey<Long> STATUS = AttributeKey.longKey("http.response.status_code");
    private static final AttributeKey<String> CLIENT = AttributeKey.stringKey("client.address");
    private static final AttributeKey<String> ERROR = AttributeKey.stringKey("error.type");
    private static final AttributeKey<String> FACE = AttributeKey.stringKey("atoll.face");
    private static final AttributeKey<String> REQUEST = AttributeKey.stringKey("atoll.request.id");
    private static final AttributeKey<String> TARGET = AttributeKey.stringKey("atoll.target");
    private static final AttributeKey<String> PROJECT = AttributeKey.stringKey("atoll.project");
    private static final int SERVER_ERROR = 500;
    private static final long LAST_SPANS_SECONDS = 3;

    private static final TextMapGetter<Request> HEADERS = new TextMapGetter<>() {
        @Override
        public Iterable<String> keys(Request request) {
            return List.of();
        }

        @Override
        public @Nullable String get(@Nullable Request request, String name) {
            return request == null ? null : request.header(name).orElse(null);
        }
    };

    private final SdkTracerProvider provider;
    private final Tracer tracer;

    private Tracing(SdkTracerProvider provider) {
        this.provider = provider;
        tracer = provider.get("dev.atoll");
    }

    static Tracing start(TelemetryConfig config, String endpoint, String version, String instance) {
        SpanExporter exporter = OtlpHttpSpanExporter.builder().setEndpoint(endpoint + "/v1/traces").build();
        Resource resource = Resource.getDefault().merge(Resource.create(Attributes.of(
                AttributeKey.stringKey("service.name"), config.serviceName(),
                AttributeKey.stringKey("service.version"), version,
                AttributeKey.stringKey("service.instance.id"), instance)));
        return new Tracing(SdkTracerProvider.builder()
                .setResource(resource)
                .setSampler(Sampler.parentBased(Sampler.traceIdRatioBased(config.sample())))
                .addSpanProcessor(BatchSpanProcessor.builder(exporter).build())
                .build());
    }

    /**
     * The handler of a face, with a span around each of its requests.
     *
     * @param errors tells what the face answers to what the handler throws: a refusal is no failure of a server
     */
    Handler around(String face, Handler handler, ErrorMapper errors) {
        return request -> {
            Span span = tracer.spanBuilder(request.method())
                    .setParent(W3CTraceContextPropagator.getInstance().extract(Context.root(), request, HEADERS))
                    .setSpanKind(SpanKind.SERVER)
                    .setAttribute(METHOD, request.method())
                    .setAttribute(CLIENT, request.remoteAddress())
                    .setAttribute(REQUEST, request.id())
                    .setAttribute(FACE, face)
                    .startSpan();
            try (Scope unused = span.makeCurrent()) {
                Response response = handler.handle(request);
                name(span, request);
                status(span, response.status());
                return response.closing(span::end);
            } catch (Exception e) {
                name(span, request);
                int answered = errors.map(request, e).status();
                status(span, answered);
                span.setAttribute(ERROR, e.getClass().getName());
                if (answered >= SERVER_ERROR) {
                    failed(span, e);
                }
                span.end();
                throw e;
            }
        };
    }

    /** By the pattern that matched, of which there are few. */
    private static void name(Span span, Request request) {
        if (!request.route().isEmpty()) {
            span.updateName(request.method() + " " + request.route());
            span.setAttribute(ROUTE, request.route());
        }
    }

    private static void status(Span span, int status) {
        span.setAttribute(STATUS, (long) status);
        if (status >= SERVER_ERROR) {
            span.setStatus(StatusCode.ERROR);
        }
    }

    private static void failed(Span span, Exception e) {
        span.setAttribute(ERROR, e.getClass().getName());
        span.setStatus(StatusCode.ERROR, String.valueOf(e.getMessage()));
    }

    @Override
    public Object around(DomainCall call, Callable<Object> work) throws Exception {
        Span span = tracer.spanBuilder(call.action()).startSpan();
        try (Scope unused = span.makeCurrent()) {
            call.caller().ifPresent(caller -> span.setAttribute(PROJECT, caller.project().value()));
            CurrentRequest.get().ifPresent(request -> span.setAttribute(REQUEST, request.id()));
            Object result = work.call();
            span.setAttribute(TARGET, call.target(result));
            return result;
        } catch (Exception e) {
            span.setAttribute(TARGET, call.target(null));
            failed(span, e);
            throw e;
        } finally {
            span.end();
        }
    }

    /** Sends what is left, for a few seconds. */
    @Override
    public void close() {
        provider.shutdown().join(LAST_SPANS_SECONDS, TimeUnit.SECONDS);
    }
}
