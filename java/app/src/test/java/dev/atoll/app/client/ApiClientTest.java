package dev.atoll.app.client;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class ApiClientTest {
    /** More than the two sockets hold. */
    private static final int BLOCKS = 64;

    private static final int BLOCK_BYTES = 1 << 20;

    /** HttpURLConnection's stream takes all that is there into memory when it is asked how much that is. */
    @Test
    void anAnswerIsNotFetchedAheadOfItsReader() throws Exception {
        var written = new CountDownLatch(1);
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            exchange.getRequestBody().readAllBytes();
            exchange.sendResponseHeaders(200, 0);
            try (OutputStream out = exchange.getResponseBody()) {
                for (int i = 0; i < BLOCKS; i++) {
                    out.write(new byte[BLOCK_BYTES]);
                }
                written.countDown();
            }
        });
        try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
            server.setExecutor(executor);
            server.start();
            var client = new ApiClient(new Server("http://127.0.0.1:" + server.getAddress().getPort(), "key"));
            try (InputStream answer = client.stream(Query.of("exec"), Map.of())) {
                assertThat(answer.read()).isZero();
                for (int i = 0; i < 10_000; i++) {
                    assertThat(answer.available()).isZero();
                }
                assertThat(written.getCount()).isEqualTo(1);
                assertThat(answer.readAllBytes()).hasSize(BLOCKS * BLOCK_BYTES - 1);
            }
            server.stop(0);
        }
    }

    @Test
    void anErrorAtTheEndOfAnAnswerKeepsItsCode() {
        ApiException told = ApiException.told(new JsonMapper()
                .readTree("{\"code\": \"guest_no_such_command\", \"message\": \"x: No such file or directory\"}"));
        assertThat(told.code()).isEqualTo("guest_no_such_command");
        assertThat(told).hasMessage("x: No such file or directory");
    }
}
