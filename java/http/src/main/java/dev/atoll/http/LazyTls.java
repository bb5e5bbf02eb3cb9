package dev.atoll.http;

import java.nio.ByteBuffer;
import javax.net.ssl.SSLContext;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.server.AbstractConnectionFactory;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.jspecify.annotations.Nullable;

/**
 * TLS that costs nothing before the first connection that begins with a handshake: loading the JDK's
 * TLS takes a tenth of a second of every start.
 */
final class LazyTls extends AbstractConnectionFactory implements ConnectionFactory.Detecting {
    /** First two bytes of a handshake record (RFC 8446, 5.1): content type and major version. */
    private static final byte HANDSHAKE = 0x16;
    private static final byte MAJOR = 3;

    private final Tls tls;
    private final String next;
    private SslContextFactory.@Nullable Server settings;
    private @Nullable SslConnectionFactory ssl;

    /** @param next protocol of the connector that decides about what is inside */
    LazyTls(Tls tls, String next) {
        super("tls");
        this.tls = tls;
        this.next = next;
    }

    @Override
    public Detection detect(ByteBuffer buffer) {
        if (buffer.remaining() < 2) {
            return Detection.NEED_MORE_BYTES;
        }
        int at = buffer.position();
        boolean handshake = buffer.get(at) == HANDSHAKE && buffer.get(at + 1) == MAJOR;
        return handshake ? Detection.RECOGNIZED : Detection.NOT_RECOGNIZED;
    }

    @Override
    public Connection newConnection(Connector connector, EndPoint endPoint) {
        return started().newConnection(connector, endPoint);
    }

    private synchronized SslConnectionFactory started() {
        if (ssl == null) {
            var server = new SslContextFactory.Server();
            server.setSslContext(tls.context().get());
            server.setIncludeProtocols(tls.oldest().protocols().toArray(String[]::new));
            // Names are not compared with the certificate here: clients do that, and a tunnel has another name.
            server.setSniRequired(false);
            var made = new SslConnectionFactory(server, next);
            addBean(made, true);
            start(made);
            settings = server;
            ssl = made;
        }
        return ssl;
    }

    /** Later handshakes use the context as it is now; connections that are open go on. */
    synchronized void reload() {
        if (settings != null) {
            SSLContext fresh = tls.context().get();
            try {
                settings.reload(server -> ((SslContextFactory.Server) server).setSslContext(fresh));
            } catch (Exception e) {
                throw new IllegalStateException("TLS cannot be started anew", e);
            }
        }
    }

    private static void start(SslConnectionFactory made) {
        try {
            made.start();
        } catch (Exception e) {
            throw new IllegalStateException("TLS cannot be started", e);
        }
    }
}
