package dev.atoll.http;

import java.nio.ByteBuffer;
import java.util.function.Supplier;
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

    private final Supplier<SSLContext> context;
    private final String next;
    private @Nullable SslConnectionFactory ssl;

    /** @param next protocol of the connector that decides about what is inside */
    LazyTls(Supplier<SSLContext> context, String next) {
        super("tls");
        this.context = context;
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
            var settings = new SslContextFactory.Server();
            settings.setSslContext(context.get());
            // Names are not compared with the certificate here: clients do that, and a tunnel has another name.
            settings.setSniRequired(false);
            var made = new SslConnectionFactory(settings, next);
            addBean(made, true);
            start(made);
            ssl = made;
        }
        return ssl;
    }

    private static void start(SslConnectionFactory made) {
        try {
            made.start();
        } catch (Exception e) {
            throw new IllegalStateException("TLS cannot be started", e);
        }
    }
}
