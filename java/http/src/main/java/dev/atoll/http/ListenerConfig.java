package dev.atoll.http;

import java.time.Duration;
import java.util.Optional;

/**
 * Where and within which bounds a listener serves.
 *
 * @param host a name or address of this machine, {@code 0.0.0.0} for all
 * @param port 0 to 65,535; 0 = any free one
 * @param maxHeaderBytes of all headers of a request together with its request line; beyond: 431
 * @param idleTimeout how long a connection may move no byte: between requests, within a body, or
 *     while a written response is not read; a handler that thinks is not idle
 * @param maxConcurrentRequests requests and WebSockets being served; beyond: 503
 * @param stopTimeout how long a stop waits for requests under way
 * @param tls when present, connections that begin with a TLS handshake are served by TLS, beside plain
 *     ones on the same port
 */
public record ListenerConfig(
        String host,
        int port,
        int maxHeaderBytes,
        Duration idleTimeout,
        int maxConcurrentRequests,
        Duration stopTimeout,
        Optional<Tls> tls) {
    /** 32 KiB of headers, 5 minutes idle, 8,192 requests, 5 s to stop. */
    public static ListenerConfig on(String host, int port) {
        return new ListenerConfig(
                host, port, 32 << 10, Duration.ofMinutes(5), 8192, Duration.ofSeconds(5),
                Optional.empty());
    }

    public ListenerConfig {
        if (port < 0 || port > 65_535) {
            throw new IllegalArgumentException("port " + port + "; allowed: 0 to 65535");
        }
        if (maxHeaderBytes < 1024 || maxConcurrentRequests < 1) {
            throw new IllegalArgumentException("maxHeaderBytes at least 1024, maxConcurrentRequests at least 1");
        }
    }

    public ListenerConfig withMaxHeaderBytes(int value) {
        return new ListenerConfig(host, port, value, idleTimeout, maxConcurrentRequests, stopTimeout, tls);
    }

    public ListenerConfig withIdleTimeout(Duration value) {
        return new ListenerConfig(host, port, maxHeaderBytes, value, maxConcurrentRequests, stopTimeout, tls);
    }

    public ListenerConfig withMaxConcurrentRequests(int value) {
        return new ListenerConfig(host, port, maxHeaderBytes, idleTimeout, value, stopTimeout, tls);
    }

    public ListenerConfig withStopTimeout(Duration value) {
        return new ListenerConfig(host, port, maxHeaderBytes, idleTimeout, maxConcurrentRequests, value, tls);
    }

    public ListenerConfig withTls(Tls value) {
        return new ListenerConfig(
                host, port, maxHeaderBytes, idleTimeout, maxConcurrentRequests, stopTimeout, Optional.of(value));
    }
}
