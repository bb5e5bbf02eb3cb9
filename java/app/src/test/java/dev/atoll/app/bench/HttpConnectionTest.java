package dev.atoll.app.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.app.client.Query;
import dev.atoll.app.client.Server;
import dev.atoll.app.run.OperatorException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Against a socket that answers byte for byte what each test says. */
@Timeout(30)
class HttpConnectionTest {
    private ServerSocket listening;
    private HttpConnection connection;
    private Socket accepted;

    @BeforeEach
    void connect() throws Exception {
        listening = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        connection = HttpConnection.to(new Server("http://127.0.0.1:" + listening.getLocalPort(), "secret"));
        accepted = listening.accept();
        accepted.setTcpNoDelay(true);
    }

    @AfterEach
    void close() throws Exception {
        connection.close();
        accepted.close();
        listening.close();
    }

    private void answer(String... parts) throws Exception {
        for (String part : parts) {
            accepted.getOutputStream().write(part.getBytes(StandardCharsets.UTF_8));
            accepted.getOutputStream().flush();
        }
    }

    private byte[] get() {
        return connection.request("GET", Query.of("sandboxes"), "");
    }

    @Test
    void requestIsWholeAndAuthorized() {
        String request = new String(connection.request("POST", Query.of("sandboxes"), "{}"), StandardCharsets.UTF_8);

        assertThat(request)
                .startsWith("POST /v1/sandboxes HTTP/1.1\r\n")
                .contains("\r\nAuthorization: Bearer secret\r\n", "\r\nContent-Length: 2\r\n")
                .endsWith("\r\n\r\n{}");
    }

    @Test
    void answersThatComeInOnePacketAreToldApart() throws Exception {
        answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\noneHTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length:3\r\n\r\ntwo");

        assertThat(connection.exchange(get())).isEqualTo("one");
        assertThat(connection.exchange(get())).isEmpty();
        assertThat(connection.exchange(get())).isEqualTo("two");
    }

    @Test
    void answerMayComeInPieces() throws Exception {
        answer("HTTP/1.1 200 OK\r\nContent-", "Length: 5\r\n\r", "\nab", "cde");

        assertThat(connection.exchange(get())).isEqualTo("abcde");
    }

    @Test
    void refusalIsAnErrorWithTheServersWordsAndTheConnectionGoesOn() throws Exception {
        answer("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 7\r\n\r\nno room", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");

        assertThatThrownBy(() -> connection.exchange(get())).isInstanceOf(OperatorException.class).hasMessageContaining("503: no room");
        assertThat(connection.exchange(get())).isEqualTo("ok");
    }

    @Test
    void downloadIsReadToItsEndAndNoFurther() throws Exception {
        answer("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc", "defHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");

        assertThat(connection.download(get(), ByteBuffer.allocate(2))).isEqualTo(6);
        assertThat(connection.exchange(get())).isEqualTo("ok");
    }

    @Test
    void serverThatLeavesInTheMiddleIsAnError() throws Exception {
        answer("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
        accepted.close();

        assertThatThrownBy(() -> connection.exchange(get())).isInstanceOf(UncheckedIOException.class);
    }
}
