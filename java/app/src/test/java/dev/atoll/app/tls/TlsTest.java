package dev.atoll.app.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atoll.app.config.ConfigException;
import dev.atoll.http.HttpListener;
import dev.atoll.http.ListenerConfig;
import dev.atoll.http.Response;
import dev.atoll.http.Tls;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Listeners with the files of an operator: versions, renewal, and what is wrong with files. */
class TlsTest {
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final Duration LOOK_EVERY = Duration.ofMillis(50);

    @TempDir
    private Path directory = Path.of("");

    private CertificateFiles write(SelfSigned made) throws IOException {
        // As tools that renew do it: each file replaced whole.
        replace("c.pem", made.certificatePem());
        replace("k.pem", made.keyPem());
        return new CertificateFiles(directory.resolve("c.pem"), directory.resolve("k.pem"));
    }

    private void replace(String name, String content) throws IOException {
        Path fresh = Files.writeString(directory.resolve(name + ".new"), content);
        Files.move(fresh, directory.resolve(name), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private static SelfSigned make(String name) {
        return SelfSigned.make(List.of(name, "127.0.0.1"), Instant.now(), RANDOM);
    }

    private static HttpListener listener(CertificateFiles files, Tls.Version oldest) {
        var config = ListenerConfig.on("127.0.0.1", 0).withTls(new Tls(files::context, oldest, Tls.Plain.THIS_MACHINE));
        return HttpListener.start(
                config, request -> Response.text(request.scheme()), (_, e) -> Response.text(e.toString()), RANDOM);
    }

    /** Trusts whomever it is told: what is looked at is who that was. */
    private static SSLSocket connect(HttpListener to, String... protocols) throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {new Trusting()}, RANDOM);
        var socket = (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", to.port());
        if (protocols.length > 0) {
            socket.setEnabledProtocols(protocols);
        }
        var parameters = socket.getSSLParameters();
        parameters.setApplicationProtocols(new String[] {"http/1.1"});
        socket.setSSLParameters(parameters);
        socket.startHandshake();
        return socket;
    }

    private static final class Trusting implements X509TrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }

    private static BigInteger serial(SSLSocket socket) throws Exception {
        return ((X509Certificate) socket.getSession().getPeerCertificates()[0]).getSerialNumber();
    }

    private static BigInteger serialNow(HttpListener listener) throws Exception {
        try (SSLSocket socket = connect(listener)) {
            return serial(socket);
        }
    }

    private BigInteger serialInFile() throws Exception {
        return PemFiles.chain(directory.resolve("c.pem")).getFirst().getSerialNumber();
    }

    private static String ask(SSLSocket socket) throws IOException {
        socket.getOutputStream().write("GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        var text = new StringBuilder();
        while (!text.toString().endsWith("\r\n\r\nhttps")) {
            int read = socket.getInputStream().read();
            if (read < 0) {
                throw new IOException("cut after " + text);
            }
            text.append((char) read);
        }
        return text.toString();
    }

    @Test
    void tls13IsSpokenAndNothingOlderUnlessConfigured() throws Exception {
        CertificateFiles files = write(make("a.example"));
        try (var strict = listener(files, Tls.Version.TLS_1_3);
                var lenient = listener(files, Tls.Version.TLS_1_2)) {
            try (SSLSocket socket = connect(strict)) {
                assertThat(socket.getSession().getProtocol()).isEqualTo("TLSv1.3");
                assertThat(ask(socket)).startsWith("HTTP/1.1 200");
            }
            assertThatExceptionOfType(SSLHandshakeException.class).isThrownBy(() -> connect(strict, "TLSv1.2"));
            try (SSLSocket socket = connect(lenient, "TLSv1.2")) {
                assertThat(socket.getSession().getProtocol()).isEqualTo("TLSv1.2");
            }
            try (SSLSocket socket = connect(lenient)) {
                assertThat(socket.getSession().getProtocol()).isEqualTo("TLSv1.3");
            }
        }
    }

    @Test
    void newFilesAreTakenWithoutARestartAndOpenConnectionsGoOn() throws Exception {
        CertificateFiles files = write(make("old.example"));
        try (var listener = listener(files, Tls.Version.TLS_1_3);
                var unused = CertificateWatch.start(List.of(files), List.of(listener), LOOK_EVERY);
                SSLSocket open = connect(listener)) {
            BigInteger old = serialInFile();
            assertThat(serial(open)).isEqualTo(old);
            assertThat(ask(open)).startsWith("HTTP/1.1 200");
            write(make("new.example"));
            BigInteger renewed = serialInFile();
            assertThat(renewed).isNotEqualTo(old);
            Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> serialNow(listener).equals(renewed));
            assertThat(ask(open)).startsWith("HTTP/1.1 200");
        }
    }

    @Test
    void filesThatCannotBeUsedChangeNothingAndTheNextOnesAreTaken() throws Exception {
        CertificateFiles files = write(make("old.example"));
        BigInteger old = serialInFile();
        try (var listener = listener(files, Tls.Version.TLS_1_3);
                var watch = CertificateWatch.start(List.of(files), List.of(listener), LOOK_EVERY)) {
            assertThat(serialNow(listener)).isEqualTo(old);
            replace("k.pem", make("other.example").keyPem());
            assertThatThrownBy(watch::reload)
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining("k.pem")
                    .hasMessageContaining("is not that of the certificate");
            assertThat(serialNow(listener)).isEqualTo(old);
            write(make("new.example"));
            watch.reload();
            assertThat(serialNow(listener)).isEqualTo(serialInFile());
        }
    }

    @Test
    void whatIsWrongWithAFileIsToldWithItsName() throws Exception {
        CertificateFiles good = write(make("a.example"));
        Path empty = Files.writeString(directory.resolve("empty.pem"), "");
        Path absent = directory.resolve("absent.pem");
        Path text = Files.writeString(directory.resolve("text.pem"), "no key");
        SelfSigned ended = SelfSigned.make(List.of("a.example"), Instant.now().minus(Duration.ofDays(4000)), RANDOM);
        Path over = Files.writeString(directory.resolve("over.pem"), ended.certificatePem());
        Path overKey = Files.writeString(directory.resolve("over.key"), ended.keyPem());
        assertWrong(absent, good.key(), absent + " does not exist");
        assertWrong(good.certificate(), absent, absent + " does not exist");
        assertWrong(empty, good.key(), empty + " cannot be used: it holds none");
        assertWrong(text, good.key(), text + " cannot be used");
        assertWrong(good.certificate(), text, text + " cannot be used: it holds no private key in PEM");
        assertWrong(good.certificate(), good.certificate(), good.certificate() + " cannot be used: it holds no private key");
        assertWrong(over, overKey, over + " is over since");
        assertWrong(good.certificate(), overKey, "is not that of the certificate " + good.certificate());
    }

    private static void assertWrong(Path certificate, Path key, String told) {
        assertThatExceptionOfType(ConfigException.class)
                .isThrownBy(() -> new CertificateFiles(certificate, key).check())
                .withMessageContaining(told)
                .satisfies(e -> assertThat(Optional.ofNullable(e.getMessage()).orElse("")).doesNotContain("\n"));
    }
}
