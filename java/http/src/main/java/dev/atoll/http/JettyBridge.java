package dev.atoll.http;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import java.util.regex.Pattern;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpMethod;
import org.eclipse.jetty.http.HttpVersion;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.io.EofException;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.websocket.server.ServerWebSocketContainer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * Hands each request from Jetty's selector threads to a virtual thread of its own, and its response
 * back. The selector threads never block.
 */
final class JettyBridge extends org.eclipse.jetty.server.Handler.Abstract.NonBlocking {
    private static final Logger LOG = LoggerFactory.getLogger(JettyBridge.class);
    private static final Logger ACCESS = LoggerFactory.getLogger("dev.atoll.http.access");
    private static final String ID_HEADER = "X-Request-Id";
    /** Another form of id would be a way to write into the log. */
    private static final Pattern GIVEN_ID = Pattern.compile("[A-Za-z0-9._-]{1,64}");

    private final Handler handler;
    private final ErrorMapper errors;
    private final Executor threads;
    private final RandomGenerator random;
    private final Pinger pinger;
    private final int maxConcurrent;
    private final Semaphore permits;
    private volatile boolean stopping;

    JettyBridge(
            Handler handler,
            ErrorMapper errors,
            Executor threads,
            RandomGenerator random,
            Pinger pinger,
            int maxConcurrent) {
        this.handler = handler;
        this.errors = errors;
        this.threads = threads;
        this.random = random;
        this.pinger = pinger;
        this.maxConcurrent = maxConcurrent;
        this.permits = new Semaphore(maxConcurrent);
    }

    @Override
    public boolean handle(
            org.eclipse.jetty.server.Request jettyRequest,
            org.eclipse.jetty.server.Response jettyResponse,
            Callback callback) {
        Request request = newRequest(jettyRequest);
        var exchange = new Exchange(request, jettyResponse, callback);
        if (stopping) {
            exchange.refuse(new HttpException(503, "stopping", "the server is stopping"));
        } else if (!permits.tryAcquire()) {
            exchange.refuse(new HttpException(
                    503, "busy", "more than " + maxConcurrent + " requests at once", Map.of("Retry-After", "1")));
        } else {
            // A thinking handler is not idle: the timeout concerns reads and writes that are under way.
            jettyRequest.addIdleTimeoutListener(_ -> false);
            request.disconnect().listen();
            threads.execute(exchange);
        }
        return true;
    }

    /** For requests that Jetty refuses before they come here: malformed, too long. */
    boolean handleError(
            org.eclipse.jetty.server.Request jettyRequest,
            org.eclipse.jetty.server.Response jettyResponse,
            Callback callback) {
        int status = jettyResponse.getStatus() >= 400 ? jettyResponse.getStatus() : 500;
        String reason = org.eclipse.jetty.http.HttpStatus.getMessage(status);
        Object detail = jettyRequest.getAttribute(org.eclipse.jetty.server.handler.ErrorHandler.ERROR_MESSAGE);
        String message = status < 500 && detail != null ? reason + ": " + detail : reason;
        String code = reason.toLowerCase(java.util.Locale.ROOT).replace(' ', '_');
        new Exchange(newRequest(jettyRequest), jettyResponse, callback)
                .refuse(new HttpException(status, code, message));
        return true;
    }

    /** Refuses new requests from now on. */
    void stopAccepting() {
        stopping = true;
    }

    /** Waits until nothing is being served any more, or the time is over. */
    boolean awaitIdle(Duration timeout) throws InterruptedException {
        return permits.tryAcquire(maxConcurrent, timeout.toNanos(), TimeUnit.NANOSECONDS);
    }

    private Request newRequest(org.eclipse.jetty.server.Request jettyRequest) {
        String given = jettyRequest.getHeaders().get(ID_HEADER);
        boolean usable = given != null && GIVEN_ID.matcher(given).matches();
        return new Request(jettyRequest, usable ? given : HexFormat.of().toHexDigits(random.nextLong()));
    }

    /** One request from its handler to its last byte. */
    private final class Exchange implements Runnable {
        private final Request request;
        private final org.eclipse.jetty.server.Response out;
        private final Callback callback;
        private final CurrentRequest current;
        private final long began = System.nanoTime();
        /** The client may be sending more of the body while it is answered. */
        private boolean bodyLeft;

        Exchange(Request request, org.eclipse.jetty.server.Response out, Callback callback) {
            this.request = request;
            this.out = out;
            this.callback = callback;
            current = new CurrentRequest(request.id(), request.remoteAddress());
        }

        /** Answers on the calling thread without blocking it. */
        void refuse(HttpException why) {
            out.getHeaders().put(HttpHeader.CONNECTION, "close");
            MDC.put(CurrentRequest.LOG_KEY, request.id());
            try {
                Response response = map(why);
                sendBytes(response, bytesOf(response));
            } finally {
                MDC.remove(CurrentRequest.LOG_KEY);
            }
        }

        /** On a thread of this request alone, so that nothing need be unbound. */
        @Override
        public void run() {
            bound(this::answer);
        }

        private void bound(Runnable work) {
            MDC.put(CurrentRequest.LOG_KEY, request.id());
            ScopedValue.where(CurrentRequest.BOUND, current).run(work);
        }

        private void answer() {
            boolean handedOn = false;
            try {
                Response response;
                try {
                    response = handler.handle(request);
                } catch (Exception | StackOverflowError e) {
                    if (request.disconnect().isGone() || isLossOfClient(e)) {
                        LOG.debug("request {} {} {} lost", request.id(), request.method(), request.path(), e);
                        request.releaseBody();
                        callback.failed(e);
                        return;
                    }
                    response = map(e);
                }
                settleBody(response);
                handedOn = send(response);
            } catch (Throwable t) {
                LOG.error("request {} {} {}", request.id(), request.method(), request.path(), t);
                request.releaseBody();
                callback.failed(t);
            } finally {
                if (!handedOn) {
                    permits.release();
                }
            }
        }

        /** Whether reading the request failed because its connection or stream ended. */
        private boolean isLossOfClient(Throwable error) {
            for (Throwable cause = error; cause != null; cause = cause.getCause()) {
                if (cause instanceof EofException) {
                    return true;
                }
            }
            return false;
        }

        private Response map(Throwable error) {
            Response response = errors.map(request, error);
            if (error instanceof HttpException http) {
                for (var header : http.headers().entrySet()) {
                    response = response.with(header.getKey(), header.getValue());
                }
            }
            if (response.status() == 500 && !(error instanceof HttpException)) {
                LOG.warn("request {} {} {}", request.id(), request.method(), request.path(), error);
            } else if (response.status() > 500) {
                LOG.info("request {} {} {}: {}", request.id(), request.method(), request.path(), error.toString());
            }
            return response;
        }

        /**
         * Sees to it that HTTP/1.1 is answered after the body was read, or says that the connection ends
         * with this response: a client must not send its next request into the rest of the last one.
         */
        private void settleBody(Response response) {
            boolean mayStillRead = response.body() instanceof Response.Body.Stream && request.isBodyOpen();
            boolean framed = request.jetty().getConnectionMetaData().getHttpVersion().getVersion() < HttpVersion.HTTP_2.getVersion();
            if (framed && !mayStillRead && !(response.body() instanceof Response.Body.Upgrade)) {
                bodyLeft = !request.finishBody();
            }
        }

        /** Returns whether the exchange goes on elsewhere, as a WebSocket. */
        private boolean send(Response response) throws Exception {
            boolean goesOn = false;
            try {
                switch (response.body()) {
                    case Response.Body.Bytes(byte[] bytes) -> sendBytes(response, bytes);
                    case Response.Body.Stream stream -> sendStream(response, stream);
                    case Response.Body.Upgrade upgrade -> goesOn = upgrade(response, upgrade);
                }
            } finally {
                if (!goesOn) {
                    close(response);
                }
            }
            return goesOn;
        }

        private void sendBytes(Response response, byte[] bytes) {
            putHead(response);
            request.disconnect().end();
            if (bytes.length > 0 || mayHaveBody(response.status())) {
                out.getHeaders().put(HttpHeader.CONTENT_LENGTH, bytes.length);
            }
            boolean head = HttpMethod.HEAD.is(request.method());
            // Logged after the write, since the client waits for that; noted before it, since Jetty may
            // reuse the request as soon as the answer is out.
            Runnable logged = accessLine(response.status());
            out.write(true, head ? null : ByteBuffer.wrap(bytes), bodyLeft ? afterBody() : callback);
            logged.run();
        }

        /** Completes the exchange when the client has stopped sending. */
        private Callback afterBody() {
            return Callback.from(
                    () -> threads.execute(() -> {
                        request.discardBody();
                        callback.succeeded();
                    }),
                    callback::failed);
        }

        private void sendStream(Response response, Response.Body.Stream stream) throws Exception {
            putHead(response);
            if (stream.length() >= 0) {
                out.getHeaders().put(HttpHeader.CONTENT_LENGTH, stream.length());
            }
            if (HttpMethod.HEAD.is(request.method())) {
                log(response.status());
                out.write(true, null, callback);
                return;
            }
            Disconnect disconnect = request.disconnect();
            if (stream.length() < 0) {
                disconnect.watch();
                if (disconnect.isWatched()) {
                    closeAfterwards();
                }
            }
            var sink = new ResponseStream(Content.Sink.asOutputStream(out), disconnect);
            try {
                stream.writer().write(sink);
            } catch (Exception e) {
                disconnect.end();
                afterFailure(sink, e);
                return;
            }
            disconnect.end();
            log(response.status());
            out.write(true, null, callback);
        }

        private void closeAfterwards() {
            out.getHeaders().put(HttpHeader.CONNECTION, "close");
            if (request.jetty().getConnectionMetaData().getHttpVersion() == HttpVersion.HTTP_1_1) {
                // Without it Jetty lets the end of the connection end the body, and a cut looks like an end.
                out.getHeaders().put(HttpHeader.TRANSFER_ENCODING, "chunked");
            }
        }

        private void afterFailure(ResponseStream sink, Exception e) {
            if (sink.isWritten() || out.isCommitted()) {
                LOG.debug("request {} {} {} cut", request.id(), request.method(), request.path(), e);
                log(out.getStatus());
                callback.failed(e);
                return;
            }
            out.reset();
            Response mapped = map(e);
            sendBytes(mapped, bytesOf(mapped));
        }

        private boolean upgrade(Response response, Response.Body.Upgrade upgrade) throws Exception {
            try {
                request.requireWebSocket();
            } catch (HttpException e) {
                Response mapped = map(e);
                sendBytes(mapped, bytesOf(mapped));
                return false;
            }
            AtomicBoolean begun = new AtomicBoolean();
            org.eclipse.jetty.server.Request.addCompletionListener(request.jetty(), failure -> {
                if (failure != null && begun.compareAndSet(false, true)) {
                    endSocket(response);
                }
            });
            Consumer<JettyWebSocket> speaker = socket -> {
                if (begun.compareAndSet(false, true)) {
                    threads.execute(() -> bound(() -> speak(socket, response, upgrade.handler())));
                }
            };
            boolean upgraded = ServerWebSocketContainer.get(request.jetty().getContext())
                    .upgrade(
                            (wanted, answer, _) -> {
                                String chosen = wanted.getSubProtocols().stream()
                                        .filter(upgrade.config().subprotocols()::contains)
                                        .findFirst()
                                        .orElse("");
                                if (!chosen.isEmpty()) {
                                    answer.setAcceptedSubProtocol(chosen);
                                }
                                answer.getHeaders().put(ID_HEADER, request.id());
                                return new JettyWebSocket(
                                        chosen, speaker, upgrade.config().maxMessageBytes());
                            },
                            request.jetty(),
                            out,
                            callback);
            if (!upgraded) {
                begun.set(true);
                Response mapped = map(new HttpException(400, "bad_upgrade", "the WebSocket handshake is malformed"));
                sendBytes(mapped, bytesOf(mapped));
                return false;
            }
            log(101);
            return true;
        }

        /** Of an error's response, which is never streamed. */
        private byte[] bytesOf(Response response) {
            return response.body() instanceof Response.Body.Bytes(byte[] bytes) ? bytes : new byte[0];
        }

        private void speak(JettyWebSocket socket, Response response, WebSocketHandler speaker) {
            pinger.add(socket);
            try {
                speaker.run(socket);
                socket.close(1000, "");
            } catch (IOException e) {
                LOG.debug("socket {} {} lost", request.id(), request.path(), e);
                socket.close(1011, "");
            } catch (Throwable t) {
                LOG.warn("socket {} {}", request.id(), request.path(), t);
                socket.close(1011, "internal error");
            } finally {
                pinger.remove(socket);
                endSocket(response);
            }
        }

        private void endSocket(Response response) {
            close(response);
            permits.release();
        }

        private void putHead(Response response) {
            out.setStatus(response.status());
            var headers = out.getHeaders();
            for (Response.Header header : response.headers()) {
                headers.add(header.name(), header.value());
            }
            headers.put(ID_HEADER, request.id());
            if (request.disconnect().isWatched() || bodyLeft) {
                headers.put(HttpHeader.CONNECTION, "close");
            }
            response.trailers().ifPresent(trailers -> out.setTrailersSupplier(() -> fields(trailers.get())));
        }

        private HttpFields fields(Map<String, String> values) {
            HttpFields.Mutable fields = HttpFields.build();
            values.forEach(fields::add);
            return fields;
        }

        private boolean mayHaveBody(int status) {
            return status >= 200 && status != 204 && status != 304;
        }

        private void close(Response response) {
            for (AutoCloseable resource : response.resources()) {
                try {
                    resource.close();
                } catch (Exception e) {
                    LOG.debug("request {}: closing", request.id(), e);
                }
            }
        }

        private void log(int status) {
            accessLine(status).run();
        }

        /** The line of this request as of now, to be written later. */
        private Runnable accessLine(int status) {
            if (!ACCESS.isInfoEnabled()) {
                return () -> {};
            }
            String from = request.remoteAddress();
            String method = request.method();
            String path = request.path();
            long micros = (System.nanoTime() - began) / 1000;
            return () -> ACCESS.info("{} {} {} {} {}us", from, method, path, status, micros);
        }
    }
}
