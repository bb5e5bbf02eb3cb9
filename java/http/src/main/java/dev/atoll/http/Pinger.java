package dev.atoll.http;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Pings every open WebSocket, so that quiet ones stay open and dead ones are found. One thread of its own. */
final class Pinger implements AutoCloseable {
    private final Set<JettyWebSocket> sockets = ConcurrentHashMap.newKeySet();
    private final ScheduledExecutorService clock;

    Pinger(Duration every) {
        clock = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().name("http-ping").daemon().factory());
        clock.scheduleWithFixedDelay(
                () -> sockets.forEach(JettyWebSocket::ping), every.toMillis(), every.toMillis(), TimeUnit.MILLISECONDS);
    }

    void add(JettyWebSocket socket) {
        sockets.add(socket);
    }

    void remove(JettyWebSocket socket) {
        sockets.remove(socket);
    }

    @Override
    public void close() {
        clock.shutdownNow();
    }
}
