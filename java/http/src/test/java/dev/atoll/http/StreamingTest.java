package dev.atoll.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Bodies far larger than the tests' heap of 256 MiB, both ways. */
class StreamingTest {
    private static final long BIG = 512L << 20;

    private static long drain(InputStream in) throws IOException {
        byte[] buffer = new byte[256 << 10];
        long total = 0;
        for (int read; (read = in.read(buffer)) >= 0; ) {
            total += read;
        }
        return total;
    }

    private static void pour(OutputStream out, long bytes) throws IOException {
        byte[] buffer = new byte[256 << 10];
        for (long left = bytes; left > 0; left -= buffer.length) {
            out.write(buffer, 0, (int) Math.min(left, buffer.length));
        }
    }

    private static Router router() {
        return Router.builder()
                .put("/up", request -> Response.text(Long.toString(drain(request.body()))))
                .post("/parts", request -> {
                    var reader = MultipartReader.of(request, MultipartReader.Limits.DEFAULT);
                    long total = 0;
                    for (var part = reader.next(); part.isPresent(); part = reader.next()) {
                        total += drain(part.get().content());
                    }
                    return Response.text(Long.toString(total));
                })
                .get("/down", _ -> Response.content("application/octet-stream", BIG, out -> pour(out, BIG)))
                .get("/chunked", _ -> Response.stream("application/octet-stream", out -> pour(out, BIG)))
                .build();
    }

    private static Socket send(TestListener server, String head) throws IOException {
        Socket socket = server.socket();
        socket.getOutputStream().write(head.getBytes(StandardCharsets.UTF_8));
        return socket;
    }

    @Test
    void aBigUploadStreams() throws Exception {
        try (var server = new TestListener(router());
                Socket socket = send(server, "PUT /up HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: " + BIG + "\r\n\r\n")) {
            pour(socket.getOutputStream(), BIG);
            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                    .startsWith("HTTP/1.1 200")
                    .endsWith("\r\n" + BIG);
        }
    }

    @Test
    void aBigMultipartUploadStreams() throws Exception {
        String head = "--x\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n";
        String tail = "\r\n--x--\r\n";
        try (var server = new TestListener(router());
                Socket socket = send(
                        server,
                        "POST /parts HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: "
                                + (BIG + head.length() + tail.length()) + "\r\n\r\n" + head)) {
            pour(socket.getOutputStream(), BIG);
            socket.getOutputStream().write(tail.getBytes(StandardCharsets.UTF_8));
            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8)).endsWith("\r\n" + BIG);
        }
    }

    @Test
    void bigDownloadsStreamOverBothVersions() throws Exception {
        try (var server = new TestListener(router());
                var h2 = HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build()) {
            for (HttpClient client : new HttpClient[] {server.client, h2}) {
                for (String path : new String[] {"/down", "/chunked"}) {
                    var answer = client.send(server.request(path).build(), HttpResponse.BodyHandlers.ofInputStream());
                    try (InputStream in = answer.body()) {
                        assertThat(drain(in)).isEqualTo(BIG);
                    }
                }
            }
        }
    }

    @Test
    void aStalledReaderHoldsTheWriter() throws Exception {
        var written = new AtomicLong();
        var finished = new CompletableFuture<Exception>();
        Handler endless = _ -> Response.stream("text/plain", out -> {
            try {
                byte[] chunk = new byte[64 << 10];
                while (true) {
                    out.write(chunk);
                    written.addAndGet(chunk.length);
                }
            } catch (IOException e) {
                finished.complete(e);
                throw e;
            }
        });
        try (var server = new TestListener(endless)) {
            try (Socket socket = send(server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")) {
                socket.getInputStream().readNBytes(100);
                long before = -1;
                while (before != written.get()) {
                    before = written.get();
                    Thread.sleep(300);
                }
                assertThat(before).as("kernel buffers only").isLessThan(64L << 20);
            }
            assertThat(finished.get(20, TimeUnit.SECONDS)).isInstanceOf(IOException.class);
        }
    }

    @Test
    void aClientThatLeavesAQuietStreamIsNoticed() throws Exception {
        for (boolean reset : new boolean[] {false, true}) {
            var started = new CountDownLatch(1);
            var noticed = new CountDownLatch(1);
            var next = new CompletableFuture<String>();
            Handler quiet = _ -> Response.events(events -> {
                events.onDisconnect(noticed::countDown);
                started.countDown();
                noticed.await();
                try {
                    events.keepAlive();
                    next.complete("written");
                } catch (IOException e) {
                    next.complete("refused");
                    throw e;
                }
            });
            try (var server = new TestListener(quiet)) {
                Socket socket = send(server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
                started.await();
                if (reset) {
                    socket.setSoLinger(true, 0);
                }
                socket.close();
                assertThat(noticed.await(20, TimeUnit.SECONDS)).isTrue();
                assertThat(next.get(20, TimeUnit.SECONDS)).isEqualTo("refused");
            }
        }
    }

    @Test
    void aClientThatLeavesAWatchingHandlerIsNoticedAndOneThatStaysIsAnswered() throws Exception {
        var watching = new CountDownLatch(1);
        var noticed = new CountDownLatch(1);
        Handler handler = request -> {
            request.bytes(10);
            request.watchConnection();
            request.onDisconnect(noticed::countDown);
            if (request.path().equals("/wait")) {
                watching.countDown();
                noticed.await();
            }
            return Response.text("stayed");
        };
        try (var server = new TestListener(handler)) {
            try (Socket socket = send(server, "PUT /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")) {
                watching.await();
                assertThat(noticed.getCount()).isEqualTo(1);
                socket.shutdownOutput();
                assertThat(noticed.await(20, TimeUnit.SECONDS)).isTrue();
            }
            for (int i = 0; i < 3; i++) {
                var answer = server.send(server.request("/").PUT(HttpRequest.BodyPublishers.ofString("abc")));
                assertThat(answer.body()).isEqualTo("stayed");
                assertThat(answer.headers().firstValue("Connection")).contains("close");
            }
        }
    }

    @Test
    void aResetHttp2StreamIsNoticed() throws Exception {
        var noticed = new CountDownLatch(1);
        Handler quiet = _ -> Response.events(events -> {
            events.onDisconnect(noticed::countDown);
            noticed.await();
        });
        try (var server = new TestListener(quiet);
                var client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build()) {
            var answer = client.send(server.request("/").build(), HttpResponse.BodyHandlers.ofInputStream());
            assertThat(answer.version()).isEqualTo(HttpClient.Version.HTTP_2);
            answer.body().close();
            assertThat(noticed.await(20, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void anAbortedUploadIsAnIOExceptionOfTheHandler() throws Exception {
        var seen = new CompletableFuture<Throwable>();
        Handler reader = request -> {
            try {
                drain(request.body());
                seen.complete(new AssertionError("read to an end"));
            } catch (IOException e) {
                seen.complete(e);
                throw e;
            }
            return Response.noContent();
        };
        try (var server = new TestListener(reader)) {
            try (Socket socket = send(server, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc")) {
                socket.getOutputStream().flush();
            }
            assertThat(seen.get(20, TimeUnit.SECONDS)).isInstanceOf(IOException.class);
        }
    }

    @Test
    void expect100ContinueIsAnsweredWhenTheHandlerReads() throws Exception {
        try (var server = new TestListener(router());
                Socket socket = send(server, "PUT /up HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 3\r\n\r\n")) {
            byte[] interim = socket.getInputStream().readNBytes("HTTP/1.1 100 Continue\r\n\r\n".length());
            assertThat(new String(interim, StandardCharsets.UTF_8)).isEqualTo("HTTP/1.1 100 Continue\r\n\r\n");
            socket.getOutputStream().write("abc".getBytes(StandardCharsets.UTF_8));
            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8)).endsWith("\r\n3");
        }
    }

    @Test
    void aBodyOverItsBoundIs413AnnouncedOrNot() throws Exception {
        Handler bounded = request -> Response.text(Integer.toString(request.bytes(10).length));
        try (var server = new TestListener(bounded)) {
            var announced = server.send(server.request("/").POST(HttpRequest.BodyPublishers.ofString("12345678901")));
            assertThat(announced.statusCode()).isEqualTo(413);
            var chunked = server.send(server.request("/")
                    .POST(HttpRequest.BodyPublishers.ofInputStream(() -> new java.io.ByteArrayInputStream(new byte[11]))));
            assertThat(chunked.statusCode()).isEqualTo(413);
            assertThat(server.send(server.request("/").POST(HttpRequest.BodyPublishers.ofString("1234567890"))).body())
                    .isEqualTo("10");
        }
    }

    @Test
    void aWriterThatWritesLessThanItAnnouncedCutsTheConnection() throws Exception {
        Handler lying = _ -> Response.content("text/plain", 10, out -> out.write(new byte[5]));
        try (var server = new TestListener(lying)) {
            assertThatThrownBy(() -> server.get("/")).isInstanceOf(IOException.class);
        }
    }
}
