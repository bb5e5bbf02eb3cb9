package dev.atoll.app.serve;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.app.config.HostPort;
import dev.atoll.app.config.ModalFaceConfig;
import dev.atoll.app.tls.CertificateFiles;
import dev.atoll.app.tls.PemFiles;
import dev.atoll.app.tls.SelfSigned;
import dev.atoll.http.HttpListener;
import dev.atoll.http.ListenerConfig;
import dev.atoll.http.Response;
import dev.atoll.http.Tls;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModalFilesTest {
    private static final SecureRandom RANDOM = new SecureRandom();

    @TempDir
    private Path directory = Path.of("");

    private ModalFiles files(Optional<String> publicUrl, Clock clock) {
        return new ModalFiles(directory.resolve("modal"), config(publicUrl), Optional.empty(), clock, RANDOM);
    }

    private static ModalFaceConfig config(Optional<String> publicUrl) {
        return new ModalFaceConfig(new HostPort("127.0.0.1", 0), publicUrl, Optional.empty(), Optional.empty());
    }

    private X509Certificate certificate() throws Exception {
        return PemFiles.chain(directory.resolve("modal/server.crt")).getFirst();
    }

    @Test
    void keyOfTheTokensIsMadeOnceAndReadByNobodyElse() throws IOException {
        byte[] first = files(Optional.empty(), Clock.systemUTC()).tokenKey();
        assertThat(first).hasSize(32).isEqualTo(files(Optional.empty(), Clock.systemUTC()).tokenKey());
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve("modal/token.key"))))
                .isEqualTo("rw-------");
    }

    @Test
    void certificateLastsUntilANameIsMissingOrItsEndIsNear() throws Exception {
        ModalFiles plain = files(Optional.empty(), Clock.systemUTC());
        var unused = plain.tokenKey();
        plain.prepare();
        X509Certificate first = certificate();
        files(Optional.empty(), Clock.systemUTC()).prepare();
        assertThat(certificate()).isEqualTo(first);

        files(Optional.of("https://atoll.example:7281"), Clock.systemUTC()).prepare();
        X509Certificate named = certificate();
        assertThat(named).isNotEqualTo(first);
        assertThat(named.getSubjectAlternativeNames()).anyMatch(name -> name.contains("atoll.example"));

        Instant late = named.getNotAfter().toInstant().minus(Duration.ofDays(1));
        files(Optional.of("https://atoll.example:7281"), Clock.fixed(late, ZoneOffset.UTC)).prepare();
        assertThat(certificate().getNotAfter()).isAfter(named.getNotAfter());
    }

    @Test
    void oneThatTrustsTheCertificateSpeaksTlsBesidePlainClientsOnOnePort() throws Exception {
        ModalFiles made = files(Optional.empty(), Clock.systemUTC());
        var unused = made.tokenKey();
        made.prepare();
        var config = ListenerConfig.on("127.0.0.1", 0).withTls(new Tls(made::tls, Tls.Version.TLS_1_3, Tls.Plain.EVERYONE));
        try (var listener = HttpListener.start(
                        config, request -> Response.text(request.scheme()), (_, e) -> Response.text(e.toString()), RANDOM);
                var trusting = HttpClient.newBuilder().sslContext(trust(certificate())).build();
                var plain = HttpClient.newHttpClient()) {
            HttpResponse<String> secret = get(trusting, "https://localhost:" + listener.port());
            assertThat(secret.body()).isEqualTo("https");
            assertThat(secret.version()).isEqualTo(HttpClient.Version.HTTP_2);
            assertThat(get(trusting, "https://127.0.0.1:" + listener.port()).body()).isEqualTo("https");
            assertThat(get(plain, "http://localhost:" + listener.port()).body()).isEqualTo("http");
        }
    }

    private static HttpResponse<String> get(HttpClient client, String url) throws IOException, InterruptedException {
        return client.send(HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString());
    }

    private static SSLContext trust(X509Certificate certificate) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setCertificateEntry("atoll", certificate);
        var managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        managers.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        return context;
    }

    @Test
    void certificateOfTheConfigurationIsServedAsItIs() throws Exception {
        SelfSigned given = SelfSigned.make(List.of("given.example"), Instant.now(), RANDOM);
        Path certificate = Files.writeString(directory.resolve("c.pem"), given.certificatePem());
        Path key = Files.writeString(directory.resolve("k.pem"), given.keyPem());
        var files = new ModalFiles(
                directory.resolve("modal"), config(Optional.empty()),
                Optional.of(new CertificateFiles(certificate, key)), Clock.systemUTC(), RANDOM);
        assertThat(files.tls().getProtocol()).isEqualTo("TLS");
        assertThat(directory.resolve("modal/server.crt")).doesNotExist();
    }

    @Test
    void nameOfThisMachineIsInTheCertificate() throws Exception {
        ModalFiles made = files(Optional.empty(), Clock.systemUTC());
        var unused = made.tokenKey();
        made.prepare();
        String name = InetAddress.getLocalHost().getHostName();
        assertThat(certificate().getSubjectAlternativeNames()).anyMatch(entry -> entry.contains(name));
    }
}
