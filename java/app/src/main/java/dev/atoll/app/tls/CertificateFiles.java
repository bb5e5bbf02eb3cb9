package dev.atoll.app.tls;

import dev.atoll.app.config.Config;
import dev.atoll.app.config.ConfigException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;

/** A certificate and its key as the configuration names them. */
public record CertificateFiles(Path certificate, Path key) {
    /** Of the native and the Daytona API. */
    public static Optional<CertificateFiles> ofNode(Config config) {
        return of(config.tls().certificate(), config.tls().certificateKey());
    }

    /** Of the Modal API: its own, else the node's. */
    public static Optional<CertificateFiles> ofModal(Config config) {
        return of(config.modal().certificate(), config.modal().certificateKey()).or(() -> ofNode(config));
    }

    /** All that the configuration names. */
    public static Stream<CertificateFiles> all(Config config) {
        return Stream.of(ofNode(config), ofModal(config)).flatMap(Optional::stream).distinct();
    }

    private static Optional<CertificateFiles> of(Optional<String> certificate, Optional<String> key) {
        return certificate.flatMap(c -> key.map(k -> new CertificateFiles(Path.of(c), Path.of(k))));
    }

    public SSLContext context() {
        return PemFiles.context(certificate, key);
    }

    /** @throws ConfigException naming the file and what is wrong with it */
    public void check() {
        var unused = context();
    }
}
