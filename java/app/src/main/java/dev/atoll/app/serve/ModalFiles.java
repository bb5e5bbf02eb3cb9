package dev.atoll.app.serve;

import dev.atoll.app.config.ModalFaceConfig;
import dev.atoll.app.run.AtomicFile;
import dev.atoll.app.tls.CertificateFiles;
import dev.atoll.app.tls.PemFiles;
import dev.atoll.app.tls.SelfSigned;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import javax.net.ssl.SSLContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the Modal face keeps between starts: the key of its tokens and, where the configuration names
 * no certificate, one of its own making. Safe from any thread.
 */
final class ModalFiles {
    private static final Logger LOG = LoggerFactory.getLogger(ModalFiles.class);
    private static final int TOKEN_KEY_BYTES = 32;
    private static final Set<String> EVERY_ADDRESS = Set.of("0.0.0.0", "::");

    private final Path directory;
    private final ModalFaceConfig config;
    private final Optional<CertificateFiles> given;
    private final Clock clock;
    private final SecureRandom random;

    /** @param given the certificate to use; empty = one of its own making */
    ModalFiles(Path directory, ModalFaceConfig config, Optional<CertificateFiles> given, Clock clock, SecureRandom random) {
        this.directory = directory;
        this.config = config;
        this.given = given;
        this.clock = clock;
        this.random = random;
    }

    /** Made once: clients hold on to a token until it is over, also across a restart. */
    byte[] tokenKey() {
        Path file = directory.resolve("token.key");
        try {
            Files.createDirectories(directory);
            if (!Files.exists(file)) {
                byte[] key = new byte[TOKEN_KEY_BYTES];
                random.nextBytes(key);
                AtomicFile.write(file, HexFormat.of().formatHex(key) + "\n", "rw-------");
            }
            return HexFormat.of().parseHex(Files.readString(file).strip());
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read or make " + file, e);
        }
    }

    /** Makes the certificate that will be needed, if it is not there. */
    synchronized void prepare() {
        if (given.isEmpty() && !SelfSigned.serves(certificate(), names(), clock.instant())) {
            SelfSigned made = SelfSigned.make(names(), clock.instant(), random);
            AtomicFile.write(key(), made.keyPem(), "rw-------");
            AtomicFile.write(certificate(), made.certificatePem(), "rw-r--r--");
            LOG.info("made a certificate for {}: {}", String.join(", ", names()), certificate());
        }
    }

    /** What the listener identifies itself by. */
    synchronized SSLContext tls() {
        prepare();
        return PemFiles.context(certificate(), key());
    }

    private Path certificate() {
        return given.map(CertificateFiles::certificate).orElse(directory.resolve("server.crt"));
    }

    private Path key() {
        return given.map(CertificateFiles::key).orElse(directory.resolve("server.key"));
    }

    /** By which this machine's own clients, and those that the configuration speaks of, call it. */
    private List<String> names() {
        var names = new LinkedHashSet<>(List.of("localhost", "127.0.0.1", "::1"));
        try {
            names.add(InetAddress.getLocalHost().getHostName());
        } catch (UnknownHostException nameless) {
            LOG.debug("this machine does not know its own name", nameless);
        }
        if (!EVERY_ADDRESS.contains(config.listen().host())) {
            names.add(config.listen().host());
        }
        config.publicUrl().map(URI::create).map(URI::getHost).map(host -> host.replaceAll("[\\[\\]]", "")).ifPresent(names::add);
        return List.copyOf(names);
    }
}
