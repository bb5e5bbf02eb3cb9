package dev.atoll.http;

import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.random.RandomGenerator;
import jdk.net.ExtendedSocketOptions;
import org.eclipse.jetty.alpn.server.ALPNServerConnectionFactory;
import org.eclipse.jetty.http.UriCompliance;
import org.eclipse.jetty.http2.server.AbstractHTTP2ServerConnectionFactory;
import org.eclipse.jetty.http2.server.HTTP2CServerConnectionFactory;
import org.eclipse.jetty.http2.server.HTTP2ServerConnectionFactory;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.DetectorConnectionFactory;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.eclipse.jetty.websocket.server.ServerWebSocketContainer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves HTTP/1.1 and HTTP/2 without TLS (by prior knowledge and by upgrade) on one port, and with TLS
 * on the same port when configured. Every request runs on a virtual thread of its own.
 */
public final class HttpListener implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(HttpListener.class);
    private static final int IO_BUFFER_BYTES = 64 << 10;
    private static final int H2_STREAM_WINDOW_BYTES = 1 << 20;
    private static final int H2_SESSION_WINDOW_BYTES = 8 << 20;
    private static final int H2_STREAMS = 1024;
    private static final String HTTP_1_1 = "http/1.1";
    private static final Duration LONGEST_PING_INTERVAL = Duration.ofSeconds(30);

    private final ListenerConfig config;
    private final Server server;
    private final ServerConnector connector;
    private final JettyBridge bridge;
    private final Pinger pinger;
    private final ExecutorService threads;
    private final Optional<LazyTls> tls;

    private HttpListener(ListenerConfig config, Handler handler, ErrorMapper errors, RandomGenerator random) {
        this.config = config;
        threads = Executors.newThreadPerTaskExecutor(
                Thread.ofVirtual().name("http-", 0).factory());
        pinger = new Pinger(shorter(LONGEST_PING_INTERVAL, config.idleTimeout().dividedBy(3)));
        bridge = new JettyBridge(behindTls(config, handler), errors, threads, random, pinger, config.maxConcurrentRequests());
        var pool = new QueuedThreadPool(16, 4);
        pool.setName("http-io");
        server = new Server(pool);
        HttpConfiguration http = configuration(config);
        var http1 = new HttpConnectionFactory(http);
        // As clients spell them (RFC 7301, 6): Jetty's own name of HTTP/1.1 is in capitals.
        var alpn = new ALPNServerConnectionFactory("h2", HTTP_1_1);
        alpn.setDefaultProtocol(HTTP_1_1);
        tls = config.tls().map(settings -> new LazyTls(settings, alpn.getProtocol()));
        connector = new KeptAliveConnector(server, factories(http, http1, alpn, tls));
        connector.setHost(config.host());
        connector.setPort(config.port());
        connector.setIdleTimeout(config.idleTimeout().toMillis());
        connector.setAcceptQueueSize(1024);
        server.addConnector(connector);
        server.setHandler(bridge);
        server.setErrorHandler(bridge::handleError);
        var sockets = ServerWebSocketContainer.ensure(server);
        sockets.setIdleTimeout(config.idleTimeout());
        server.setStopTimeout(0);
    }

    /**
     * Starts to serve.
     *
     * @param random request ids come from it
     * @throws ListenException when the address is taken or not of this machine
     */
    public static HttpListener start(
            ListenerConfig config, Handler handler, ErrorMapper errors, RandomGenerator random) {
        var listener = new HttpListener(config, handler, errors, random);
        String where = config.host() + ":" + config.port();
        try {
            listener.server.start();
            return listener;
        } catch (Exception e) {
            listener.close();
            throw new ListenException("cannot listen on " + where + ": " + why(e), e);
        }
    }

    /** The bound address; its port is the real one when 0 was asked. */
    public InetSocketAddress address() {
        return new InetSocketAddress(config.host(), port());
    }

    public int port() {
        return connector.getLocalPort();
    }

    /**
     * Asks for the TLS context anew, which later handshakes use; open connections go on as they are.
     * Nothing happens without TLS, or before its first connection.
     *
     * @throws RuntimeException what the context's supplier throws; then everything stays as it is
     */
    public void reloadTls() {
        tls.ifPresent(LazyTls::reload);
    }

    /** Takes no more requests, lets those under way end within the stop timeout, then cuts what is left. */
    @Override
    public void close() {
        bridge.stopAccepting();
        try {
            connector.shutdown();
            if (server.isStarted()) {
                bridge.awaitIdle(config.stopTimeout());
            }
            server.stop();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (Exception e) {
            throw new IllegalStateException("stopping " + config.host() + ":" + config.port(), e);
        } finally {
            pinger.close();
            threads.shutdown();
        }
    }

    /** Lets the kernel find peers that vanished without a word, about a minute later. */
    private static final class KeptAliveConnector extends ServerConnector {
        KeptAliveConnector(Server server, ConnectionFactory... factories) {
            super(server, 1, 2, factories);
        }

        @Override
        protected void configure(Socket socket) {
            super.configure(socket);
            try {
                socket.setKeepAlive(true);
                socket.setOption(ExtendedSocketOptions.TCP_KEEPIDLE, 30);
                socket.setOption(ExtendedSocketOptions.TCP_KEEPINTERVAL, 10);
                socket.setOption(ExtendedSocketOptions.TCP_KEEPCOUNT, 3);
            } catch (IOException | UnsupportedOperationException e) {
                LOG.debug("no keep-alive on {}", socket, e);
            }
        }
    }

    /** The first is asked first: where there is TLS, it looks whether a connection begins with a handshake. */
    private static ConnectionFactory[] factories(
            HttpConfiguration http, HttpConnectionFactory http1, ALPNServerConnectionFactory alpn, Optional<LazyTls> tls) {
        var h2c = sized(new HTTP2CServerConnectionFactory(http));
        if (tls.isEmpty()) {
            return new ConnectionFactory[] {http1, h2c};
        }
        http.addCustomizer(new SecureRequestCustomizer(false));
        var h2 = sized(new HTTP2ServerConnectionFactory(http));
        return new ConnectionFactory[] {new DetectorConnectionFactory(tls.get()), http1, h2c, alpn, h2};
    }

    /** Keys do not cross a network in clear where there is another way. */
    private static Handler behindTls(ListenerConfig config, Handler handler) {
        boolean open = config.tls().map(tls -> tls.plain() == Tls.Plain.EVERYONE).orElse(true);
        return open ? handler : request -> {
            if (!request.isSecure() && !request.isFromThisMachine()) {
                throw new HttpException(
                        403, "tls_required", "plain HTTP is taken from this server's own machine only; use https");
            }
            return handler.handle(request);
        };
    }

    private static <T extends AbstractHTTP2ServerConnectionFactory> T sized(T http2) {
        http2.setInitialStreamRecvWindow(H2_STREAM_WINDOW_BYTES);
        http2.setInitialSessionRecvWindow(H2_SESSION_WINDOW_BYTES);
        http2.setMaxConcurrentStreams(H2_STREAMS);
        http2.setInputBufferSize(IO_BUFFER_BYTES);
        return http2;
    }

    private static HttpConfiguration configuration(ListenerConfig config) {
        var http = new HttpConfiguration();
        http.setRequestHeaderSize(config.maxHeaderBytes());
        http.setInputBufferSize(IO_BUFFER_BYTES);
        http.setOutputBufferSize(IO_BUFFER_BYTES);
        http.setSendServerVersion(false);
        http.setSendDateHeader(false);
        // %25 inside a segment is unambiguous here: segments are decoded once, after the split.
        http.setUriCompliance(UriCompliance.DEFAULT.with("segments", UriCompliance.Violation.AMBIGUOUS_PATH_ENCODING));
        return http;
    }

    private static Duration shorter(Duration a, Duration b) {
        return a.compareTo(b) < 0 ? a : b;
    }

    private static String why(Throwable e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof BindException bind) {
                return String.valueOf(bind.getMessage());
            }
        }
        return e instanceof IOException && e.getMessage() != null ? e.getMessage() : e.toString();
    }
}
