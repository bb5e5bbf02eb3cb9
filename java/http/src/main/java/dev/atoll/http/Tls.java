package dev.atoll.http;

import java.util.List;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;

/**
 * How a listener speaks TLS. It looks at the first bytes of each connection: one that begins with a
 * handshake is served by TLS, others are plain.
 *
 * @param context what it identifies itself by; asked at the first TLS connection, and again at each
 *     {@link HttpListener#reloadTls}
 * @param oldest the oldest version of TLS that is spoken
 * @param plain who may speak without
 */
public record Tls(Supplier<SSLContext> context, Version oldest, Plain plain) {
    /** Versions of the protocol. */
    public enum Version {
        TLS_1_2("TLSv1.3", "TLSv1.2"),
        TLS_1_3("TLSv1.3");

        private final List<String> protocols;

        Version(String... protocols) {
            this.protocols = List.of(protocols);
        }

        /** Newest first, as the JDK names them. */
        List<String> protocols() {
            return protocols;
        }
    }

    /** Who may speak without TLS. */
    public enum Plain {
        EVERYONE,
        /** Clients on this machine; others are refused before anything of their request is read. */
        THIS_MACHINE
    }
}
