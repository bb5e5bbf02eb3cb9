package dev.atoll.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.WebSocket.Listener;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class WebSocketTest {
    private static final class Client implements Listener {
        final BlockingQueue<String> seen = new LinkedBlockingQueue<>();

        @Override
        public @Nullable CompletionStage<?> onText(java.net.http.WebSocket socket, CharSequence data, boolean last) {
            seen.add("text " + data);
            socket.request(1);
            return null;
        }

        @Override
        public @Nullable CompletionStage<?> onBinary(java.net.http.WebSocket socket, ByteBuffer data, boolean last) {
            seen.add("binary " + data.remaining() + (last ? "" : "+"));
            socket.request(1);
            return null;
        }

        @Override
        public @Nullable CompletionStage<?> onClose(java.net.http.WebSocket socket, int code, String reason) {
            seen.add("closed " + code + " " + reason);
            return null;
        }

        @Nullable String next() throws InterruptedException {
            return seen.poll(20, TimeUnit.SECONDS);
        }
    }

    private static Response echo(Request request) {
        return Response.webSocket(new WebSocketConfig(4096, List.of("two", "one")), socket -> {
            socket.sendText("hello " + socket.subprotocol());
            while (true) {
                switch (socket.receive()) {
                    case WebSocketMessage.Text(String text) when text.equals("end") -> {
                        socket.close(4001, "asked to");
                        return;
                    }
                    case WebSocketMessage.Text(String text) -> socket.sendText(text);
                    case WebSocketMessage.Binary(byte[] bytes) -> socket.sendBinary(bytes);
                    case WebSocketMessage.Closed _ -> {
                        return;
                    }
                }
            }
        });
    }

    private static java.net.http.WebSocket connect(TestListener server, Client client, String... protocols) {
        var builder = server.client.newWebSocketBuilder();
        if (protocols.length > 0) {
            builder.subprotocols(protocols[0], java.util.Arrays.copyOfRange(protocols, 1, protocols.length));
        }
        return builder.buildAsync(java.net.URI.create("ws://127.0.0.1:" + server.listener.port() + "/ws"), client)
                .join();
    }

    @Test
    void echoesTextAndBinaryAndClosesWithItsCode() throws Exception {
        try (var server = new TestListener(WebSocketTest::echo)) {
            var client = new Client();
            var socket = connect(server, client, "zero", "one", "two");
            assertThat(socket.getSubprotocol()).isEqualTo("one");
            assertThat(client.next()).isEqualTo("text hello one");
            socket.sendText("hi", true).join();
            assertThat(client.next()).isEqualTo("text hi");
            socket.sendBinary(ByteBuffer.allocate(4096), true).join();
            assertThat(client.next()).isEqualTo("binary 4096");
            socket.sendText("end", true).join();
            assertThat(client.next()).isEqualTo("closed 4001 asked to");
        }
    }

    @Test
    void aMessageOverTheBoundClosesWith1009() throws Exception {
        try (var server = new TestListener(WebSocketTest::echo)) {
            var client = new Client();
            var socket = connect(server, client);
            assertThat(socket.getSubprotocol()).isEmpty();
            assertThat(client.next()).isEqualTo("text hello ");
            socket.sendBinary(ByteBuffer.allocate(4097), true).join();
            assertThat(client.next()).startsWith("closed 1009");
        }
    }

    @Test
    void aLostConnectionEndsTheReceiverWith1006() throws Exception {
        var seen = new LinkedBlockingQueue<WebSocketMessage>();
        try (var server = new TestListener(_ -> Response.webSocket(WebSocketConfig.DEFAULT, socket -> seen.add(socket.receive())))) {
            connect(server, new Client()).abort();
            assertThat(seen.poll(20, TimeUnit.SECONDS)).isInstanceOfSatisfying(
                    WebSocketMessage.Closed.class, c -> assertThat(c.code()).isEqualTo(1006));
        }
    }

    @Test
    void aThrowingHandlerClosesWith1011() throws Exception {
        try (var server = new TestListener(_ -> Response.webSocket(WebSocketConfig.DEFAULT, _ -> {
            throw new IllegalStateException("broken");
        }))) {
            var client = new Client();
            connect(server, client);
            assertThat(client.next()).isEqualTo("closed 1011 internal error");
        }
    }

    @Test
    void aCloseOfTheServerEndsTheConnectionThoughItsHandlerReadsNoMore() throws Exception {
        try (var server = new TestListener(_ -> Response.webSocket(WebSocketConfig.DEFAULT, socket -> socket.close(4002, "")));
                var socket = server.socket()) {
            socket.setSoTimeout(4_000);
            socket.getOutputStream().write(("GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
            // A text frame that nobody reads, then the close: both masked with zeros.
            socket.getOutputStream().write(new byte[] {(byte) 0x81, (byte) 0x81, 0, 0, 0, 0, 'x'});
            socket.getOutputStream().write(new byte[] {(byte) 0x88, (byte) 0x82, 0, 0, 0, 0, 0x0f, (byte) 0xa2});
            byte[] answer = socket.getInputStream().readAllBytes();
            assertThat(answer).endsWith(0x88, 0x02, 0x0f, 0xa2);
        }
    }

    @Test
    void aPlainRequestIs426() throws Exception {
        try (var server = new TestListener(WebSocketTest::echo)) {
            var answer = server.get("/ws");
            assertThat(answer.statusCode()).isEqualTo(426);
            assertThat(answer.headers().firstValue("Upgrade")).contains("websocket");
        }
    }
}
