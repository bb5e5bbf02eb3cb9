package dev.atoll.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** Requests that are answered without their body having been read. */
class UnreadBodyTest {
    private static final Router ROUTER = Router.builder()
            .post("/refused", _ -> {
                throw new HttpException(400, "refused", "not read");
            })
            .get("/after", _ -> Response.text("after"))
            .build();
    private static final String NEXT = "GET /after HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

    private static void send(Socket socket, String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    /** The head of the next answer and its body, by its announced length. */
    private static String answer(InputStream in) throws IOException {
        var head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int next = in.read();
            assertThat(next).as(head.toString()).isNotNegative();
            head.append((char) next);
        }
        String length = head.toString().toLowerCase(java.util.Locale.ROOT).split("content-length: ", 2)[1].split("\r", 2)[0];
        return head + new String(in.readNBytes(Integer.parseInt(length)), StandardCharsets.UTF_8);
    }

    @Test
    void aShortBodyThatComesLateKeepsTheConnection() throws IOException {
        try (var server = new TestListener(ROUTER); Socket socket = server.socket()) {
            send(socket, "POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n");
            send(socket, "body" + NEXT);
            assertThat(answer(socket.getInputStream())).startsWith("HTTP/1.1 400").doesNotContain("Connection: close");
            assertThat(answer(socket.getInputStream())).startsWith("HTTP/1.1 200").endsWith("after");
        }
    }

    @Test
    void aLongBodyEndsTheConnectionAndIsNotReset() throws IOException {
        try (var server = new TestListener(ROUTER); Socket socket = server.socket()) {
            int length = 64 << 20;
            send(socket, "POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: " + length + "\r\n\r\n");
            var piece = new byte[1 << 20];
            // All of it, though the answer is there after the head: a reset would fail a write.
            for (int sent = 0; sent < length; sent += piece.length) {
                socket.getOutputStream().write(piece);
            }
            assertThat(answer(socket.getInputStream())).startsWith("HTTP/1.1 400").contains("Connection: close");
            assertThat(socket.getInputStream().read()).isNegative();
        }
    }

    @Test
    void aClientThatWaitsToBeToldIsAnsweredAtOnce() throws IOException {
        try (var server = new TestListener(ROUTER); Socket socket = server.socket()) {
            send(socket, "POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
            assertThat(answer(socket.getInputStream())).startsWith("HTTP/1.1 400").contains("Connection: close");
        }
    }
}
